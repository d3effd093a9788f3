/* Keeps a page as new as its last few seconds, by fetching the page itself and copying what is in it.

   Without this script the pages say the same; they are then as new as their last load. How often is kept in the address.
   It stands still while the tab is hidden, while rows are ticked and while the focus is in a table, and after a failure
   of the server it asks less often. */
"use strict";
(() => {
  const choices = [2, 5, 15];
  const quiet = 15000;
  let nav;
  let pause = 0;
  let told = 0;

  const ticked = () => document.querySelector("#result_list .action-select:checked");
  const isInTable = () => document.activeElement?.closest("#result_list tbody, .jq-table tbody");
  const waits = () => document.hidden || ticked() || isInTable();

  // The rows stay, with their checkboxes: the admin's own script has hold of them.
  function copyRow(from, to) {
    let changed = false;
    [...to.cells].forEach((cell, index) => {
      const [old, fresh] = [cell.querySelector(".action-select"), from.cells[index].querySelector(".action-select")];
      if (old && fresh) {
        old.value = fresh.value;
        old.setAttribute("aria-label", fresh.getAttribute("aria-label"));
      } else if (cell.innerHTML !== from.cells[index].innerHTML) {
        cell.replaceChildren(...from.cells[index].childNodes);
        changed = true;
      }
    });
    return changed;
  }

  // What somebody has opened, or closed, stays so.
  function keepOpen(from, to) {
    const before = [...from.querySelectorAll("details")];
    [...to.querySelectorAll("details")].forEach((each, index) => {
      if (before[index]) each.open = before[index].open;
    });
  }

  // Returns whether anything has changed; null when the pages have not the same parts, so that only a reload will do.
  function copyPage(page) {
    const [parts, fresh] = [document, page].map((d) => [...d.querySelectorAll("[data-jq-live]")]);
    const [rows, freshRows] = [document, page].map((d) => [...d.querySelectorAll("#result_list tbody tr")]);
    const names = (list) => list.map((part) => part.dataset.jqLive).join();
    if (names(parts) !== names(fresh) || rows.length !== freshRows.length) return null;
    let changed = false;
    parts.forEach((part, index) => {
      keepOpen(part, fresh[index]);
      if (part.innerHTML === fresh[index].innerHTML) return;
      part.replaceChildren(...fresh[index].childNodes);
      changed = true;
    });
    rows.forEach((row, index) => {
      changed = copyRow(freshRows[index], row) || changed;
    });
    return changed;
  }

  // Says when; aloud only now and then, and only when something is new.
  function tell(changed) {
    const now = new Date();
    const text = nav.dataset.jqUpdated.replace("{time}", now.toLocaleTimeString(document.documentElement.lang || []));
    nav.querySelector(".jq-updated").textContent = text;
    if (changed && now - told > quiet) {
      told = now;
      nav.querySelector("[role=status]").textContent = text;
    }
  }

  async function refresh() {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
    // Signed out, or gone: leave the page as it is.
    if (answer.redirected || !answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (waits()) return;
    const changed = copyPage(page);
    if (changed === null) location.reload();
    else tell(changed);
  }

  async function turn(seconds) {
    nav.dataset.jqState = waits() ? "waits" : "asks";
    if (!waits()) {
      try {
        await refresh();
        pause = seconds;
      } catch {
        pause = Math.min(60, pause * 2);
      }
    }
    setTimeout(turn, pause * 1000, seconds);
  }

  document.addEventListener("DOMContentLoaded", () => {
    nav = document.querySelector("[data-jq-refresh]");
    if (!nav) return;
    const seconds = Number(nav.dataset.jqRefresh);
    nav.dataset.jqState = "off";
    nav.hidden = false;
    if (!choices.includes(seconds)) return;
    pause = seconds;
    setTimeout(turn, pause * 1000, seconds);
  });
})();
