/* What somebody types in a form is there again until it is sent or given up. Every page works without this file.
 *
 * Kept is every POST form with something to type or to choose, without being asked for. Declared at the form:
 * [data-kept=never]       on a field, or on anything around fields: never brought back (a signature, a confirmation)
 * form[data-autosave]     has a place of its own for what is typed: only what differs from its was_ fields is sent there
 * Never: passwords, files, codes, hidden fields.
 *
 * Whoever is signed in: kept on the server as it is typed (/drafts/), and on this device, until the server has it,
 * encrypted under a key that the server gives to nobody else. A visitor: in this tab alone, for an hour.
 * body[data-of-this-tab]  a page of a visitor that shows what was typed: another tab is led to this address instead
 * [data-goes-on]          a visitor says that it was they who began
 */
"use strict";

(() => {
  const ADDRESS = "/drafts/";
  const DEVICE = "handvat:";
  const TAB = "handvat-tab:";
  const SEEN = "handvat-seen";
  const OURS = "handvat-way-in";
  const OWNER = document.body.dataset.owner || "";
  const ABOUT = document.body.dataset.about || "";
  const PAUSE = 1000; // between two savings; what was typed last is at most this and a round trip behind
  const PAUSE_BEFORE_RETRY = 5000;
  const HOUR = 3600 * 1000;
  const DEVICE_KEEPS = 30 * 24 * HOUR;
  const WAS = "was_";
  const UNKEPT = new Set(["hidden", "password", "file", "submit", "button", "reset", "image", "fieldset", "output"]);
  const REFUSALS = { 400: "refused", 401: "out", 409: "out", 413: "long" };
  const NOT_ITS_NAME = /^(csrfmiddlewaretoken|request_key|owner|next|was_.*)$/;

  // Fields

  const plain = (text) => text.replace(/\r\n?/g, "\n").trim();
  const same = (one, other) => JSON.stringify(one.map(plain)) === JSON.stringify(other.map(plain));
  const isChoice = (control) => control.type === "radio" || control.type === "checkbox";
  const isText = (control) => !isChoice(control) && !control.options;
  const controls = (form, name) => Array.from(form.elements).filter((each) => each.name === name);

  function isKept(control) {
    const hint = control.getAttribute("autocomplete") || "";
    return control.name && !UNKEPT.has(control.type) && !hint.includes("one-time-code") && !control.closest("[data-kept=never]");
  }

  const names = (form) => [...new Set(Array.from(form.elements).filter(isKept).map((each) => each.name))];

  function held(form, name) {
    return controls(form, name).flatMap((each) => {
      if (isChoice(each)) return each.checked ? [each.value] : [];
      if (each.options) return Array.from(each.selectedOptions, (option) => option.value);
      return [each.value];
    });
  }

  /* What a field held as the page was drawn. */
  function drawn(form, name) {
    const was = form.querySelector(`input[type=hidden][name="${CSS.escape(WAS + name)}"]`);
    const all = controls(form, name);
    if (was) return isText(all[0]) ? [was.value] : was.value.split(",").filter(Boolean);
    return all.flatMap((each) => {
      if (isChoice(each)) return each.defaultChecked ? [each.value] : [];
      if (!each.options) return [each.defaultValue];
      const chosen = Array.from(each.options).filter((option) => option.defaultSelected);
      return (chosen.length || each.multiple ? chosen : Array.from(each.options).slice(0, 1)).map((option) => option.value);
    });
  }

  function put(form, name, values) {
    controls(form, name).forEach((each) => {
      if (isChoice(each)) each.checked = values.includes(each.value);
      else if (each.options) Array.from(each.options).forEach((option) => (option.selected = values.includes(option.value)));
      else each.value = values[0] || "";
    });
  }

  /* The address that a form is sent to, with what tells it from others that are sent there. */
  function nameOf(form) {
    const url = new URL(form.getAttribute("action") || location.pathname, location.href);
    const own = Array.from(form.querySelectorAll("input[type=hidden]")).filter((each) => !NOT_ITS_NAME.test(each.name));
    const told = own.map((each) => `${each.name}=${each.value}`).join("&");
    return `${url.pathname}${url.search}${told ? `#${told}` : ""}`;
  }

  // Storage of the browser, which may be switched off or full: then the words still stand on the page.

  function storage(which) {
    const guarded = (act) => {
      try {
        return act(window[which]);
      } catch {
        return null;
      }
    };
    return {
      get: (key) => guarded((store) => JSON.parse(store.getItem(key) || "null")),
      set: (key, value) => guarded((store) => store.setItem(key, JSON.stringify(value))),
      drop: (key) => guarded((store) => store.removeItem(key)),
      keys: (prefix) => guarded((store) => Object.keys(store).filter((key) => key.startsWith(prefix))) || [],
    };
  }

  const device = storage("localStorage");
  const tab = storage("sessionStorage");

  // Encryption

  const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
  const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const canEncrypt = Boolean(window.crypto && crypto.subtle);

  const cipher = (key) =>
    canEncrypt ? crypto.subtle.importKey("raw", bytesOf(key), "AES-GCM", false, ["encrypt", "decrypt"]) : null;

  async function locked(key, value) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes));
    const parts = [];
    for (let at = 0; at < sealed.length; at += 4096) parts.push(String.fromCharCode(...sealed.subarray(at, at + 4096)));
    return { iv: base64(iv), text: btoa(parts.join("")) };
  }

  /* Null where it is another person's, or spoilt. */
  async function opened(key, found) {
    try {
      const bytes = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytesOf(found.iv) }, key, bytesOf(found.text));
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return null;
    }
  }

  // The server

  async function ask(query) {
    const answer = await fetch(`${ADDRESS}?${new URLSearchParams(query)}`, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.status === 401 ? "out" : "failed");
    return answer.json();
  }

  async function tell(method, content, keepalive = false) {
    const answer = await fetch(ADDRESS, {
      method,
      body: JSON.stringify({ owner: OWNER, ...content }),
      headers: { "Content-Type": "application/json", "X-CSRFToken": freshToken() },
      credentials: "same-origin",
      keepalive,
    });
    if (answer.status === 410) return false;
    if (!answer.ok) throw new Error(REFUSALS[answer.status] || "failed");
    return true;
  }

  let counted = 0;
  const next = () => (counted = Math.max(counted + 1, Date.now()));

  // One form

  function keep(form) {
    const name = nameOf(form);
    const own = form.dataset.autosave;
    const status = statusOf(form, giveUp);
    const touched = new Map(); // name -> what it was before anything was typed
    let place = "";
    let key = null;
    let newest = 0; // the sequence of what lies on this device
    let last = "{}"; // what was saved last
    let timer = null;
    let isSaving = false;
    let isWaiting = false; // something is to be saved
    let isPressed = false;
    let isDrafted = false; // the server has a draft of it

    const requestKey = () => (form.elements.request_key ? form.elements.request_key.value : "");

    function fields() {
      const found = {};
      names(form).forEach((each) => {
        const value = held(form, each);
        const was = touched.get(each) || drawn(form, each);
        if (!same(was, value)) touched.set(each, was);
        if (touched.has(each)) found[each] = { was, value };
      });
      return found;
    }

    const differs = (found) => Object.values(found).some((each) => !same(each.was, each.value));

    function snapshot() {
      const title = document.querySelector("h1");
      const words = (title ? title.textContent : document.title).replace(/\s+/g, " ").trim();
      return { form: name, about: ABOUT, title: words, key: requestKey(), sequence: next(), fields: fields() };
    }

    /* A copy that survives whatever happens to this page before the server has it. */
    async function onDevice(typed) {
      if (!key || !place) return;
      newest = typed.sequence;
      const record = await locked(key, typed);
      if (newest === typed.sequence) device.set(DEVICE + place, { ...record, owner: OWNER, about: ABOUT, at: Date.now() });
    }

    function inTab(typed, isSent = false) {
      if (differs(typed.fields)) tab.set(TAB + name, { at: Date.now(), isSent, fields: typed.fields });
      else tab.drop(TAB + name);
    }

    function offDevice(typed) {
      if (newest > typed.sequence) return;
      newest = Number.MAX_SAFE_INTEGER; // a copy that is still being encrypted comes too late
      if (place) device.drop(DEVICE + place);
    }

    async function toItsOwn(typed, keepalive) {
      const data = new FormData(form);
      Object.keys(Object.fromEntries(data)).forEach((each) => {
        const field = each.startsWith(WAS) ? each.slice(WAS.length) : each;
        const isOther = names(form).includes(field) && !(field in typed.fields && !same(drawn(form, field), typed.fields[field].value));
        if (isOther) data.delete(each);
      });
      data.set("request_key", freshKey()); // each draft differs, and a key belongs to one content
      if (freshToken()) data.set("csrfmiddlewaretoken", freshToken());
      const headers = { "X-Autosave": "1" };
      const answer = await fetch(own, { method: "POST", body: data, headers, credentials: "same-origin", keepalive });
      const isOut = answer.redirected && new URL(answer.url).pathname.startsWith("/account/");
      if (!answer.ok || answer.redirected) throw new Error(isOut ? "out" : answer.status === 413 ? "long" : "failed");
      Object.entries(typed.fields).forEach(([field, { value }]) => {
        const was = form.querySelector(`input[type=hidden][name="${CSS.escape(WAS + field)}"]`);
        if (was) was.value = value.join(",");
        touched.delete(field);
      });
    }

    /* What stands in its own place is no draft any more: it would bring back what is taken out there later. */
    async function dropDraft() {
      if (isDrafted) await tell("DELETE", { place });
      isDrafted = false;
    }

    async function save() {
      clearTimeout(timer);
      timer = null;
      if (isSaving) return;
      const typed = snapshot();
      isWaiting = false;
      isSaving = true;
      if (own) status.say("saving");
      let pause = PAUSE;
      try {
        if (!place) await begin();
        const isStill = own ? (await toItsOwn(typed), await dropDraft(), true) : await tell("PUT", typed);
        last = JSON.stringify(typed.fields);
        offDevice(typed);
        if (!isWaiting) status.say(isStill && (own || differs(typed.fields)) ? "saved" : "");
      } catch ({ message }) {
        isWaiting = isWaiting || message !== "long"; // what is too long stays so until somebody types
        pause = PAUSE_BEFORE_RETRY;
        status.say(["out", "long"].includes(message) ? message : "failed");
      }
      isSaving = false;
      if (isWaiting && !isPressed) later(pause);
    }

    function later(pause) {
      if (timer) return;
      timer = setTimeout(save, pause);
    }

    function note() {
      const typed = snapshot();
      if (JSON.stringify(typed.fields) === last) return; // leaving a field announces a change where nothing changed
      isPressed = false;
      if (OWNER) onDevice(typed);
      else {
        inTab(typed);
        last = JSON.stringify(typed.fields);
        status.say(differs(typed.fields) ? "tab" : "");
        return;
      }
      isWaiting = true;
      later(PAUSE);
    }

    /* Where the field changed meanwhile, a text is added to it and a choice is left alone. True when something came back. */
    function restore(found) {
      const known = new Set(names(form));
      const back = Object.entries(found).filter(([field, { was, value }]) => {
        if (!known.has(field)) return false;
        const now = held(form, field);
        if (!own) touched.set(field, was);
        if (same(now, value)) return false;
        const [control] = controls(form, field);
        if (same(now, was) || (isText(control) && !plain(now[0]))) put(form, field, value);
        else if (isText(control) && plain(value[0]) && !plain(now[0]).includes(plain(value[0]))) {
          put(form, field, [`${now[0]}\n\n${value[0]}`]);
        } else return false;
        return true;
      });
      if (back.length) document.dispatchEvent(new CustomEvent("handvat:restored"));
      return back.length > 0;
    }

    async function begin() {
      const given = await ask({ form: name, about: ABOUT });
      place = given.place;
      key = await cipher(given.key);
      isDrafted = Boolean(given.draft);
      return given.draft;
    }

    async function fromDevice() {
      const found = key && device.get(DEVICE + place);
      const typed = found && (await opened(key, found));
      if (!typed) return null;
      const { is_sent: isSent } = await ask({ place, about: ABOUT, sent: typed.key });
      if (isSent) device.drop(DEVICE + place);
      return isSent ? null : typed;
    }

    function fromTab() {
      const found = tab.get(TAB + name);
      return found && Date.now() - found.at < HOUR ? { fields: found.fields } : null;
    }

    async function bring() {
      const kept = OWNER ? await begin() : fromTab();
      const unsaved = OWNER ? await fromDevice() : null;
      const isNewer = unsaved && (!kept || unsaved.sequence > kept.sequence);
      const both = isNewer ? { ...(kept && kept.fields), ...unsaved.fields } : { ...(unsaved && unsaved.fields), ...(kept && kept.fields) };
      const isBack = restore(both);
      if (unsaved && (!isNewer || !differs(fields()))) device.drop(DEVICE + place);
      const isOther = unsaved || (kept && OWNER && kept.key !== requestKey());
      if (isOther && differs(fields())) {
        await onDevice(snapshot());
        isWaiting = true;
        await save();
      } else if (kept) {
        last = JSON.stringify(fields());
        if (own) await dropDraft();
      } else note();
      if (isBack && !["failed", "out", "long"].includes(status.state)) status.say(own ? "saved" : "back");
    }

    async function giveUp() {
      clearTimeout(timer);
      timer = null;
      isWaiting = false;
      touched.forEach((was, field) => put(form, field, was));
      touched.clear();
      last = "{}";
      status.say("");
      if (!OWNER) tab.drop(TAB + name);
      else {
        offDevice({ sequence: next() });
        await tell("DELETE", { place }).catch(() => {});
      }
    }

    /* What a press sends may not arrive, or not be taken: it stays kept until the request key says that it did. */
    function pressed(event) {
      if (event.defaultPrevented) return;
      clearTimeout(timer);
      timer = null;
      const typed = snapshot();
      isPressed = true;
      if (!OWNER) inTab(typed, true);
      else if (!canEncrypt && !own && JSON.stringify(typed.fields) !== last) tell("PUT", typed, true).catch(() => {});
    }

    function leaving() {
      const typed = snapshot();
      if (isPressed || !OWNER || JSON.stringify(typed.fields) === last || (own && !differs(typed.fields))) return;
      (own ? toItsOwn(typed, true) : tell("PUT", typed, true)).catch(() => {});
    }

    form.addEventListener("input", note);
    form.addEventListener("change", note);
    form.addEventListener("submit", pressed);
    window.addEventListener("pagehide", leaving);
    ["focus", "online"].forEach((each) => window.addEventListener(each, () => isWaiting && (clearTimeout(timer), (timer = null), save())));
    const come = () => bring().catch(() => setTimeout(come, PAUSE_BEFORE_RETRY));
    come();
  }

  /* Says quietly what becomes of what is typed. The words stand in the page. */
  function statusOf(form, giveUp) {
    const template = document.getElementById("kept-here");
    const status = { state: "", say };

    function draw() {
      const place = Array.from(form.querySelectorAll(".actions")).pop();
      const piece = template.content.cloneNode(true);
      piece.querySelector("[data-kept-drop] button").addEventListener("click", giveUp);
      if (place) place.before(piece);
      else form.append(piece);
    }

    function say(state) {
      if (state && template && !form.querySelector("[data-save-status]")) draw();
      status.state = state;
      const [line, signIn, drop] = ["save-status", "sign-in-again", "kept-drop"].map((each) => form.querySelector(`[data-${each}]`));
      if (signIn) signIn.hidden = state !== "out";
      if (drop) drop.hidden = state !== "back";
      if (!line) return;
      line.dataset.state = state;
      line.textContent = line.dataset[state] || "";
    }

    return status;
  }

  // What waits elsewhere

  /* Brings to the server what pages that are gone could not; says whether something waits there now that was not sent, and
   * what the server does not take. One of them never holds up the others. */
  async function deliver(here) {
    let isMore = false;
    const refused = [];
    for (const found of device.keys(DEVICE)) {
      const { owner, about = "", at = 0, ...sealed } = device.get(found) || {};
      if (Date.now() - at > DEVICE_KEEPS) device.drop(found);
      if (owner !== OWNER || Date.now() - at > DEVICE_KEEPS) continue;
      let typed = null;
      try {
        const { key } = await ask({ place: found.slice(DEVICE.length), about });
        typed = await opened(await cipher(key), sealed);
        if (typed && here.includes(typed.form)) continue; // its form takes it up itself
        if (typed && (await tell("PUT", typed))) isMore = true;
        device.drop(found); // or it cannot be opened any more: whom it was about was erased
      } catch ({ message }) {
        if (typed && ["refused", "long"].includes(message)) refused.push({ ...typed, found, isGone: message === "refused" });
      }
    }
    return { isMore, refused };
  }

  const wordsOf = (typed) =>
    Object.values(typed.fields)
      .flatMap((each) => each.value)
      .filter((each) => plain(each))
      .join("\n");

  /* What the server does not take is offered from this device: with its words, where the page is no more. */
  async function offer(here, refused) {
    const region = document.querySelector("[data-unsent]");
    if (!region) return;
    const list = region.querySelector("ul");
    const row = region.querySelector("template");

    function add(each, drop) {
      const piece = row.content.cloneNode(true).firstElementChild;
      const link = piece.querySelector("a");
      link.href = each.form.split("#")[0];
      if (each.title) link.textContent = each.title;
      if (each.isGone) {
        const words = document.createElement("blockquote");
        words.textContent = wordsOf(each);
        link.replaceWith(each.title, words);
      }
      const button = piece.querySelector("button");
      button.setAttribute("aria-label", `${button.textContent}: ${each.title || wordsOf(each)}`);
      button.addEventListener("click", async () => {
        await drop();
        piece.remove();
        region.hidden = !list.querySelector("li");
      });
      list.append(piece);
      region.hidden = false;
    }

    refused.forEach((each) => add(each, () => device.drop(each.found)));
    const { drafts } = await ask({});
    drafts
      .filter((each) => !here.includes(each.form))
      .forEach((each) => add(each, () => tell("DELETE", { place: each.place })));
  }

  /* What a visitor typed goes with the form that was sent, after an hour, and as soon as somebody is signed in. */
  function tidy(here) {
    const navigation = performance.getEntriesByType("navigation")[0];
    const isRefused = Boolean(navigation && navigation.responseStatus >= 400);
    tab.keys(TAB).forEach((each) => {
      const found = tab.get(each);
      const isThrough = found && found.isSent && !isRefused && !here.includes(each.slice(TAB.length));
      if (OWNER || !found || isThrough || Date.now() - found.at > HOUR) tab.drop(each);
    });
    if (!OWNER) tab.drop(SEEN);
  }

  /* A page with what a visitor typed belongs to the tab in which they did: the next person at this device does not see it. */
  function ofThisTab() {
    const elsewhere = document.body.dataset.ofThisTab;
    if (elsewhere && !tab.get(OURS)) location.replace(elsewhere);
    const isWayIn = /^\/(join|account\/login\/code)\//.test(location.pathname);
    const begins = (form) => isWayIn && !form.matches("[action$='/anew/'], .language");
    document.addEventListener("submit", (event) => begins(event.target) && tab.set(OURS, true));
    document.addEventListener("click", (event) => event.target.closest("[data-goes-on]") && tab.set(OURS, true));
  }

  const isKeepable = (form) => form.getAttribute("method") === "post" && form.dataset.kept !== "never" && names(form).length > 0;
  const kept = Array.from(document.forms).filter(isKeepable);
  const here = kept.map(nameOf);
  ofThisTab();
  tidy(here);
  kept.forEach(keep);
  async function elsewhere() {
    const { isMore, refused } = canEncrypt ? await deliver(here) : { isMore: false, refused: [] };
    if (!isMore && !refused.length && tab.get(SEEN) === OWNER) return;
    tab.set(SEEN, OWNER);
    await offer(here, refused);
  }

  if (OWNER) elsewhere().catch(() => {});
  // A page from the browser's memory may have been sent since.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
