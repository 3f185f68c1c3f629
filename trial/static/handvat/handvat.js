/* Seasoning only: every page works without this file. What is typed is kept by drafts.js, which uses its two functions
 * freshKey and freshToken.
 *
 * data-errors             takes the focus when a form comes back
 * [data-one-at-a-time]    shows one question a screen on a phone
 * [data-copy]             a button that copies the text of the element it names, and says so
 * .sections               shows the room one is in where the rooms do not fit on one line
 * every POST form         is sent once, even when the button is pressed twice
 */
"use strict";

const PHONE = window.matchMedia("(max-width: 699.98px)");
const SECOND_PRESS = 3000;

function freshKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/* The token of a page grows old when somebody signs in again in another tab; the cookie is always the newest. */
function freshToken() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return found ? found[1] : "";
}

/* One question a screen, on a phone. What belongs to the end of the form (its .actions) waits for the last question,
 * except what carries data-always: stopping is allowed at any moment. */
function oneAtATime(list) {
  const rows = Array.from(list.querySelectorAll(".answers-row, .item"));
  if (rows.length < 2) return;
  const form = list.closest("form");
  const endings = Array.from(form ? form.querySelectorAll(".actions > *") : []).filter(
    (element) => !("always" in element.dataset)
  );
  const submit = endings.find((element) => element.matches("button[type=submit]"));
  const place = submit && submit.parentElement;
  const progress = document.createElement("p");
  progress.className = "progress";
  progress.setAttribute("aria-live", "polite");
  const steps = document.createElement("div");
  steps.className = "steps";
  const back = step("button secondary", list.dataset.back, () => go(current - 1));
  const next = step("button", list.dataset.next, () => go(current + 1));
  steps.append(back, next);

  let current = 0;

  function step(classes, words, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = classes;
    button.textContent = words;
    button.addEventListener("click", act);
    return button;
  }

  function go(number, focus = true) {
    current = Math.max(0, Math.min(rows.length - 1, number));
    const last = current === rows.length - 1;
    rows.forEach((row, index) => (row.hidden = index !== current));
    endings.forEach((element) => (element.hidden = !last));
    back.hidden = current === 0;
    next.hidden = last;
    // The button that sends stands where Next stood, beside Back.
    if (submit && last) steps.append(submit);
    else if (submit) place.prepend(submit);
    progress.textContent = list.dataset.progress
      .replace("{number}", String(current + 1))
      .replace("{total}", String(rows.length));
    if (!focus) return;
    const question = rows[current].querySelector(".question, legend");
    if (question) {
      question.tabIndex = -1;
      question.focus({ preventScroll: true });
    }
    const top = list.getBoundingClientRect().top;
    if (top < 0) list.scrollIntoView();
  }

  function begin() {
    if (!PHONE.matches) {
      list.classList.remove("one-at-a-time");
      rows.forEach((row) => (row.hidden = false));
      endings.forEach((element) => (element.hidden = false));
      if (submit) place.prepend(submit);
      progress.remove();
      steps.remove();
      return;
    }
    list.classList.add("one-at-a-time");
    list.prepend(progress);
    list.append(steps);
    const wrong = rows.findIndex((row) => row.classList.contains("invalid"));
    const blank = rows.findIndex((row) => !row.querySelector("input:checked"));
    const started = rows.some((row) => row.querySelector("input:checked"));
    if (wrong >= 0) go(wrong, false);
    else if (started) go(blank >= 0 ? blank : rows.length - 1, false);
    else go(0, false);
  }

  PHONE.addEventListener("change", begin);
  document.addEventListener("handvat:restored", begin); // said by drafts.js: what was chosen before is back
  begin();

  // A link in the error summary may point at a question that is not on the screen.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const target = link && document.getElementById(link.hash.slice(1));
    const number = rows.findIndex((row) => target && row.contains(target));
    if (number >= 0 && list.classList.contains("one-at-a-time")) go(number);
  });
}

/* The server makes a repeated POST harmless; this spares people the wait and the doubt. */
function sendOnce(event) {
  const form = event.target;
  if (form.method.toLowerCase() !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const token = form.querySelector("[name=csrfmiddlewaretoken]");
  if (token && freshToken()) token.value = freshToken();
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  setTimeout(() => free(form), SECOND_PRESS);
}

function free(form) {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
}

/* Without a script, or where copying is not allowed, the text can be selected. */
function copies(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.nextElementSibling.textContent = button.dataset.copied;
  });
}

document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));
document.querySelectorAll("[data-copy]").forEach(copies);
document.querySelectorAll("[data-one-at-a-time]").forEach(oneAtATime);
const room = document.querySelector(".sections [aria-current]");
if (room) room.scrollIntoView({ block: "nearest", inline: "center" });
const summary = document.querySelector("[data-errors]");
if (summary) summary.focus();
