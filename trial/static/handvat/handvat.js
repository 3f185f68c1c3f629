/* Seasoning only: every page works without this file.
 *
 * data-errors             takes the focus when a form comes back
 * form[data-autosave]     saves a draft while somebody types, and says so in [data-save-status]; keeps in this tab what is
 *                         not saved, until it is or until somebody signs out
 * input[name^=was_]       what a field held when the page was drawn: a draft sends only the fields that differ
 * [data-one-at-a-time]    shows one question a screen on a phone
 * [data-copy]             a button that copies the text of the element it names, and says so
 * .sections               shows the room one is in where the rooms do not fit on one line
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

/* The token of a page grows old when somebody signs in again in another tab; the cookie is always the newest. */
function freshToken() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return found ? found[1] : "";
}

/* What fields hold, beside what they held when the page was drawn. */
const WAS = "was_";
const plain = (text) => text.replace(/\r\n?/g, "\n").trim();
const before = (form) => Array.from(form.querySelectorAll(`input[type=hidden][name^=${WAS}]`));
const controls = (form, name) => Array.from(form.elements).filter((each) => each.name === name);
const isChoice = (control) => control.type === "radio" || control.type === "checkbox";

function held(form, name) {
  const chosen = controls(form, name).filter((each) => !isChoice(each) || each.checked);
  return plain(chosen.map((each) => each.value).join(","));
}

function put(form, name, value) {
  const chosen = value.split(",");
  controls(form, name).forEach((each) => {
    if (isChoice(each)) each.checked = chosen.includes(each.value);
    else each.value = value;
  });
}

function changes(form) {
  return before(form)
    .map((was) => ({ was, name: was.name.slice(WAS.length) }))
    .map((each) => ({ ...each, value: held(form, each.name) }))
    .filter(({ was, value }) => value !== plain(was.value));
}

/* Leaving a field announces a change even where nothing changed; only this tells whether there is something to send. */
function filled(form) {
  const fields = Array.from(new FormData(form)).filter(([name]) => name !== "request_key" && name !== "csrfmiddlewaretoken");
  return JSON.stringify(fields);
}

const differs = (form, last) => (before(form).length ? changes(form).length > 0 : filled(form) !== last);

/* What is not saved yet, in this tab alone: it comes back after signing in, to the same person. */
const KEPT = "handvat:";
const OWNER = document.body.dataset.owner || "";

function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) || "null");
  } catch {
    return null;
  }
}

function keep(form, isSent = false) {
  const fields = changes(form).map(({ was, name, value }) => [name, plain(was.value), value]);
  const key = KEPT + location.pathname;
  try {
    if (fields.length) sessionStorage.setItem(key, JSON.stringify({ owner: OWNER, isSent, fields }));
    else sessionStorage.removeItem(key);
  } catch {
    // No room, or storage is switched off: the words still stand on the page.
  }
}

function everyKept() {
  try {
    return Object.keys(sessionStorage).filter((key) => key.startsWith(KEPT));
  } catch {
    return [];
  }
}

const forgetAll = () => everyKept().forEach((key) => sessionStorage.removeItem(key));

/* On each page: nothing stays for somebody else, and nothing of a form that came through. */
function tidy() {
  const isThrough = Boolean(document.querySelector(".notice.done"));
  everyKept().forEach((key) => {
    const found = kept(key);
    if (OWNER && (!found || found.owner !== OWNER || (found.isSent && isThrough))) sessionStorage.removeItem(key);
  });
}

/* True when something came back. Where another tab wrote meanwhile, a text is added to it and a choice is left alone. */
function restore(form) {
  const found = kept(KEPT + location.pathname);
  let isBack = false;
  (found ? found.fields : []).forEach(([name, was, value]) => {
    const now = held(form, name);
    if (now === value || !controls(form, name).length) return;
    if (now === was) put(form, name, value);
    else if (!isChoice(controls(form, name)[0]) && value && !now.includes(value)) put(form, name, `${now}\n\n${value}`);
    else return;
    isBack = true;
  });
  keep(form);
  return isBack;
}

/* Drafts. One request at a time, so that an older draft never lands on top of a newer one. */
function autosave(form) {
  const status = form.querySelector("[data-save-status]") || document.querySelector("[data-save-status]");
  let timer = null;
  let saving = false;
  let changed = false;
  let pressed = false;
  let last = filled(form);

  const signIn = form.querySelector("[data-sign-in-again]");

  const say = (state) => {
    if (signIn) signIn.hidden = state !== "out";
    if (!status) return;
    status.dataset.state = state;
    status.textContent = status.dataset[state] || "";
  };

  const draft = (sent) => {
    const data = new FormData(form);
    if (before(form).length) {
      const names = new Set(sent.map(({ name }) => name));
      before(form)
        .map((was) => was.name.slice(WAS.length))
        .filter((name) => !names.has(name))
        .forEach((name) => [name, WAS + name].forEach((each) => data.delete(each)));
    }
    // Each draft differs, and a key belongs to one content.
    if (data.has("request_key")) data.set("request_key", freshKey());
    if (freshToken()) data.set("csrfmiddlewaretoken", freshToken());
    return data;
  };

  const later = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  };

  async function save() {
    if (saving) return;
    const sent = changes(form);
    const whole = filled(form);
    changed = false;
    if (!differs(form, last)) {
      keep(form);
      say("saved");
      return;
    }
    saving = true;
    say("saving");
    let pause = PAUSE_BEFORE_SAVING;
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body: draft(sent),
        headers: { "X-Autosave": "1" },
        credentials: "same-origin",
      });
      const isOut = answer.redirected && new URL(answer.url).pathname.startsWith("/account/");
      if (!answer.ok || answer.redirected) throw new Error(isOut ? "out" : "failed");
      sent.forEach(({ was, value }) => (was.value = value));
      last = whole;
      keep(form);
      if (!changed) say("saved");
    } catch (problem) {
      changed = true;
      pause = PAUSE_BEFORE_RETRY;
      say(problem.message === "out" ? "out" : "failed");
    }
    saving = false;
    if (changed) later(pause);
  }

  const note = () => {
    changed = true;
    pressed = false;
    keep(form);
    later(PAUSE_BEFORE_SAVING);
  };
  form.addEventListener("input", note);
  form.addEventListener("change", note);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    changed = false;
    pressed = true;
    keep(form, true);
  });
  window.addEventListener("focus", () => {
    if (changed && status && status.dataset.state === "out") later(0);
  });
  window.addEventListener("pagehide", () => {
    if (pressed || !differs(form, last)) return;
    fetch(form.dataset.autosave, {
      method: "POST",
      body: draft(changes(form)),
      headers: { "X-Autosave": "1" },
      credentials: "same-origin",
      keepalive: true,
    }).catch(() => {});
  });
  if (restore(form)) note();
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
  if (new URL(form.action).pathname === "/account/logout/") forgetAll();
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

function enhance(root) {
  root.querySelectorAll("[data-copy]").forEach(copies);
  root.querySelectorAll("form[data-autosave]").forEach(autosave);
  root.querySelectorAll("[data-one-at-a-time]").forEach(oneAtATime);
}

document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));
document.addEventListener("htmx:load", (event) => {
  // htmx also announces the page itself, which is done below.
  if (event.target !== document.body) enhance(event.target);
});

tidy();
enhance(document);
const room = document.querySelector(".sections [aria-current]");
if (room) room.scrollIntoView({ block: "nearest", inline: "center" });
const summary = document.querySelector("[data-errors]");
if (summary) summary.focus();
