// Keeps the page fresh: asks for its changing part every second, and sends its forms without a reload.
// Without this script everything works too, by reloading.

const SECOND = 1000;
const live = document.querySelector("[data-live]");
let isPressed = false;
let version = 0;
let told = live?.querySelector("[data-said]")?.dataset.said;

/** Shows new contents, and leaves the keyboard's focus where it was, or where the story goes on. */
function show(html) {
  const focused = document.activeElement?.id;
  const wasInStory = document.activeElement?.closest("[data-said]");
  const { body } = new DOMParser().parseFromString(html, "text/html");
  if (live.children.length === body.children.length) renewChildren(live, body);
  else live.replaceChildren(...body.childNodes);
  if (focused && document.activeElement?.id !== focused) {
    const target = document.getElementById(focused) ?? (wasInStory && document.getElementById("story-now"));
    target?.focus({ preventScroll: true });
  }
  tell();
}

/** Makes an element what a new one is, and leaves what is the same in it as it is: it may be read, or pressed. */
function renew(old, fresh) {
  if (spelling(old) === spelling(fresh)) return;
  const isAlike = old.tagName === fresh.tagName && texts(old) === texts(fresh);
  if (!isAlike || !old.children.length || old.children.length !== fresh.children.length) {
    old.replaceWith(fresh);
    return;
  }
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  renewChildren(old, fresh);
}

function renewChildren(old, fresh) {
  const children = [...fresh.children];
  [...old.children].forEach((child, index) => renew(child, children[index]));
}

/** Returns an element as text; the token of its forms is another one each time, and each of them is good. */
const spelling = (element) => element.outerHTML.replaceAll(/(csrfmiddlewaretoken" value=)"\w*"/g, "$1");

/** Returns the text that is in an element itself. */
const texts = (element) => [...element.childNodes].map((node) => node.nodeType === 3 ? node.data.trim() : "").join("|");

/** Says aloud how far the story has come, when it has come further. */
function tell() {
  const said = live.querySelector("[data-said]")?.dataset.said;
  if (said && said !== told) {
    told = said;
    document.getElementById("said").textContent = said;
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
  if (document.hidden || isPressed) return;
  const asked = ++version;
  try {
    const answer = await fetch(live.dataset.live, { signal: AbortSignal.timeout(5 * SECOND) });
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (asked === version && !isPressed) show(html);
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
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, () => (isPressed = true));
  for (const name of ["pointerup", "pointercancel", "keyup", "blur"]) {
    window.addEventListener(name, () => (isPressed = false));
  }
  document.addEventListener("submit", send);
  setInterval(refresh, SECOND);
}
