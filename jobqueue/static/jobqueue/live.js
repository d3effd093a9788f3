/* Keeps a page of jobs as new as its last few seconds, by fetching the page itself and copying what is in it.

   Without this script the pages say the same; they are then as new as their last load. It stands still while the tab is
   hidden, while rows are ticked, and after a failure of the server it asks less often. */
"use strict";
(() => {
  const seconds = 3;
  const key = "jobqueue.live";
  let pause = seconds;

  const ticked = () => document.querySelector("#result_list .action-select:checked");
  const isOn = () => localStorage.getItem(key) !== "off";

  // The rows stay, with their checkboxes: the admin's own script has hold of them.
  function copyRow(from, to) {
    [...to.cells].forEach((cell, index) => {
      const [old, fresh] = [cell.querySelector(".action-select"), from.cells[index].querySelector(".action-select")];
      if (old && fresh) {
        old.value = fresh.value;
        old.setAttribute("aria-label", fresh.getAttribute("aria-label"));
      } else if (cell.innerHTML !== from.cells[index].innerHTML) {
        cell.replaceChildren(...from.cells[index].childNodes);
      }
    });
  }

  // Returns whether both pages have the same parts; when they have not, only a reload will do.
  function copyPage(page) {
    const [parts, fresh] = [document, page].map((d) => [...d.querySelectorAll("[data-jq-live]")]);
    const [rows, freshRows] = [document, page].map((d) => [...d.querySelectorAll("#result_list tbody tr")]);
    const names = (list) => list.map((part) => part.dataset.jqLive).join();
    if (names(parts) !== names(fresh) || rows.length !== freshRows.length) return false;
    parts.forEach((part, index) => {
      if (part.innerHTML !== fresh[index].innerHTML) part.replaceChildren(...fresh[index].childNodes);
    });
    rows.forEach((row, index) => copyRow(freshRows[index], row));
    return true;
  }

  async function refresh() {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
    // Signed out, or gone: leave the page as it is.
    if (answer.redirected || !answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!ticked() && isOn() && !copyPage(page)) location.reload();
  }

  async function turn() {
    if (isOn() && !document.hidden && !ticked()) {
      try {
        await refresh();
        pause = seconds;
      } catch {
        pause = Math.min(60, pause * 2);
      }
    }
    setTimeout(turn, pause * 1000);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.jq-live");
    if (!button) return;
    const show = () => button.setAttribute("aria-pressed", String(isOn()));
    button.addEventListener("click", () => {
      localStorage.setItem(key, isOn() ? "off" : "on");
      show();
    });
    show();
    button.hidden = false;
    setTimeout(turn, pause * 1000);
  });
})();
