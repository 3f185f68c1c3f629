/* Seasoning only: every page works without this file.
 *
 * data-errors             takes the focus when a form comes back
 * form[data-autosave]     saves a draft while somebody types, and says so in [data-save-status]
 * [data-one-at-a-time]    shows one question a screen on a phone
 * every POST form         is sent once, even when the button is pressed twice
 */
"use strict";

const PHONE = window.matchMedia("(max-width: 699.98px)");
const PAUSE_BEFORE_SAVING = 800;
const PAUSE_BEFORE_RETRY = 5000;
const SECOND_PRESS = 3000;

function freshKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/* Drafts. One request at a time, so that an older draft never lands on top of a newer one. */
function autosave(form) {
  const status = form.querySelector("[data-save-status]") || document.querySelector("[data-save-status]");
  let timer = null;
  let saving = false;
  let changed = false;

  const say = (state) => {
    if (!status) return;
    status.dataset.state = state;
    status.textContent = status.dataset[state] || "";
  };

  const draft = () => {
    const data = new FormData(form);
    // Each draft differs, and a key belongs to one content.
    if (data.has("request_key")) data.set("request_key", freshKey());
    return data;
  };

  const later = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  };

  async function save() {
    if (saving) return;
    saving = true;
    changed = false;
    say("saving");
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body: draft(),
        headers: { "X-Autosave": "1" },
        credentials: "same-origin",
      });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      if (!changed) say("saved");
    } catch {
      changed = true;
      say("failed");
    }
    saving = false;
    if (changed) later(status && status.dataset.state === "failed" ? PAUSE_BEFORE_RETRY : PAUSE_BEFORE_SAVING);
  }

  const note = () => {
    changed = true;
    later(PAUSE_BEFORE_SAVING);
  };
  form.addEventListener("input", note);
  form.addEventListener("change", note);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    changed = false;
  });
  window.addEventListener("pagehide", () => {
    if (!changed) return;
    fetch(form.dataset.autosave, {
      method: "POST",
      body: draft(),
      headers: { "X-Autosave": "1" },
      credentials: "same-origin",
      keepalive: true,
    }).catch(() => {});
  });
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
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  setTimeout(() => free(form), SECOND_PRESS);
}

function free(form) {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
}

function enhance(root) {
  root.querySelectorAll("form[data-autosave]").forEach(autosave);
  root.querySelectorAll("[data-one-at-a-time]").forEach(oneAtATime);
}

document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));
document.addEventListener("htmx:load", (event) => {
  // htmx also announces the page itself, which is done below.
  if (event.target !== document.body) enhance(event.target);
});

enhance(document);
const summary = document.querySelector("[data-errors]");
if (summary) summary.focus();
