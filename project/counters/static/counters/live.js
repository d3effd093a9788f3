// Keeps the page fresh: asks for its changing part every second, and sends its forms without a reload.
// Without this script everything works too, by reloading.

const SECOND = 1000;
const live = document.querySelector("[data-live]");
let pointerIsDown = false;
let version = 0;

/** Shows new contents, and leaves the keyboard's focus where it was. */
function show(html) {
  const focused = document.activeElement?.id;
  live.innerHTML = html;
  if (focused && document.activeElement?.id !== focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
}

/** Says that the site does not answer, once, above what was last known. */
function showSilence() {
  if (live.querySelector(".silence")) return;
  const note = document.createElement("p");
  note.className = "trouble silence";
  note.setAttribute("role", "alert");
  note.textContent = "The site does not answer. What follows is what it said last.";
  live.prepend(note);
}

async function refresh() {
  // A button that is replaced while it is pressed would never be clicked.
  if (document.hidden || pointerIsDown) return;
  const asked = ++version;
  try {
    const answer = await fetch(live.dataset.live, { signal: AbortSignal.timeout(5 * SECOND) });
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (asked === version && !pointerIsDown) show(html);
  } catch {
    showSilence();
  }
}

async function send(event) {
  const form = event.target;
  const button = event.submitter;
  if (form.method !== "post" || !form.closest("main")) return;
  event.preventDefault();
  const sent = ++version;
  try {
    const answer = await fetch(button?.getAttribute("formaction") ?? form.action, {
      method: "POST",
      body: new FormData(form),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const contents = page.querySelector("[data-live]");
    if (!answer.ok || !contents) throw new Error(answer.statusText);
    keepMessages(contents);
    if (sent === version) show(contents.innerHTML);
  } catch {
    showSilence();
  }
}

/** Takes what was just said out of new contents, which the next refresh replaces or which came too late to be shown. */
function keepMessages(contents) {
  const messages = contents.querySelector(".messages");
  if (!messages) return;
  document.querySelector("main > .messages")?.remove();
  live.before(messages);
  setTimeout(() => messages.remove(), 6 * SECOND);
}

if (live) {
  document.addEventListener("pointerdown", () => (pointerIsDown = true));
  for (const name of ["pointerup", "pointercancel", "blur"]) {
    window.addEventListener(name, () => (pointerIsDown = false));
  }
  document.addEventListener("submit", send);
  setInterval(refresh, SECOND);
}
