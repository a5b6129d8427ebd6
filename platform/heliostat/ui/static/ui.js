// Keeps a page up to date: parts that the server sends, and the list for what is typed.
"use strict";

const byId = (id) => document.getElementById(id);

// Replaces only what differs, so that the place where somebody reads or clicks stays where it is.
function patch(into, html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  patchChildren(into, made.content);
}

// Children with an id are found again wherever they went; the others by their place.
function patchChildren(into, made) {
  const known = new Map([...into.children].filter((one) => one.id).map((one) => [one.id, one]));
  let at = into.firstElementChild;
  for (const fresh of [...made.children]) {
    const was = fresh.id ? known.get(fresh.id) : at && !at.id ? at : null;
    if (!was) {
      into.insertBefore(fresh, at);
      continue;
    }
    if (was === at) at = at.nextElementSibling;
    else into.insertBefore(was, at);
    renew(was, fresh);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

function renew(was, fresh) {
  if (was.isEqualNode(fresh)) return;
  const inside = ["TABLE", "TBODY"].includes(was.tagName) && was.tagName === fresh.tagName;
  if (inside) patchChildren(was, fresh);
  else {
    if (was.open && fresh.tagName === "DETAILS") fresh.open = true;
    was.replaceWith(fresh);
  }
}

// The list: typing filters, and what was picked for a comparison stays picked.
let asking = null;

async function refreshList() {
  const list = byId("list");
  const query = new URLSearchParams(location.search);
  query.set("part", "1");
  if (asking) asking.abort();
  asking = new AbortController();
  try {
    const answer = await fetch("/?" + query, { signal: asking.signal });
    if (!answer.ok) return;
    const html = await answer.text();
    const picked = new Set([...list.querySelectorAll("input:checked")].map((box) => box.value));
    patch(list, html);
    for (const box of list.querySelectorAll("input[name=run]")) box.checked = picked.has(box.value);
  } catch (error) {
    if (error.name !== "AbortError") byId("live").textContent = "waiting for the server …";
  }
}

function startFilter(form) {
  let waiting = 0;
  const ask = () => {
    const wishes = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(wishes).toString();
    history.replaceState(null, "", query ? "/?" + query : "/");
    refreshList();
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  });
}

// A hidden page listens to nothing: a browser has six connections to a server, for all its pages.
function follow(address) {
  const live = byId("live");
  let source = null;
  let ended = false;
  const say = (text) => { live.textContent = text; live.hidden = false; };
  const stop = () => { if (source) source.close(); source = null; };
  const start = () => {
    if (source || ended || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener("open", () => say("live"));
    source.addEventListener("error", () => say("waiting for the server …"));
    source.addEventListener("part", (event) => {
      const part = JSON.parse(event.data);
      const into = byId(part.id);
      if (into) patch(into, part.html);
    });
    source.addEventListener("changed", refreshList);
    source.addEventListener("end", () => { ended = true; stop(); live.hidden = true; });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  window.addEventListener("pagehide", stop);
  start();
}

const form = byId("filter");
if (form) startFilter(form);
if (document.body.dataset.events) follow(document.body.dataset.events);
