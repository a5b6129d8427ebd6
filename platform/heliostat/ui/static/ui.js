// Keeps a page up to date: parts that the server sends, and the list for what is typed.
"use strict";

const byId = (id) => document.getElementById(id);

// Replaces only what differs, so that the place where somebody reads stays where it is.
function patch(into, html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  const fresh = [...made.content.children];
  const old = [...into.children];
  fresh.forEach((one, i) => {
    const was = old[i];
    if (!was) into.append(one);
    else if (was.open && one.tagName === "DETAILS") { one.open = true; replace(was, one); }
    else replace(was, one);
  });
  old.slice(fresh.length).forEach((one) => one.remove());
}

function replace(was, one) {
  if (!was.isEqualNode(one)) was.replaceWith(one);
}

// The list: typing filters, and what was picked for a comparison stays picked.
async function refreshList() {
  const list = byId("list");
  const query = new URLSearchParams(location.search);
  query.set("part", "1");
  const answer = await fetch("/?" + query);
  if (!answer.ok) return;
  const picked = new Set([...list.querySelectorAll("input:checked")].map((box) => box.value));
  patch(list, await answer.text());
  for (const box of list.querySelectorAll("input[name=run]")) box.checked = picked.has(box.value);
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
