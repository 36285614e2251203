"use strict";
// The pages are whole without this script: it adds the slower parts of a page, and keeps the page as new as the runs.

const main = document.getElementById("main");
const said = document.getElementById("said"), pause = document.getElementById("pause");
let state = document.body.dataset.state, paused = false;
const seconds = () => Number(document.body.dataset.every ?? 0);

// `node.id` is a field of a form that has one of this name.
function keyOf(node) {
  const id = node.getAttribute?.("id") || node.dataset?.part;
  return id || node.querySelector?.(":scope > th input[name=run]")?.value || "";
}

// Make `old` like `fresh`. A node that is equal stays as it is, and with it its focus, its scroll and its selection.
function update(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) { old.nodeValue = fresh.nodeValue; return; }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(old.tagName === "DETAILS" && name === "open")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (!old.dataset?.part) updateChildren(old, fresh);
}

function updateChildren(old, fresh) {
  const known = new Map([...old.children].map((node) => [keyOf(node), node]));
  let at = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    const key = keyOf(node), same = key && known.get(key);
    if (same && same.tagName === node.tagName) {
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      update(same, node);
    } else if (!key && at && at.nodeName === node.nodeName && !keyOf(at) && at.nodeName !== "svg") {
      const next = at.nextSibling;
      update(at, node);
      at = next;
    } else if (at?.nodeName === "svg" && at.isEqualNode(node)) {
      at = at.nextSibling;
    } else {
      old.insertBefore(node, at);
      if (node.nodeType === Node.ELEMENT_NODE) enliven(node);
    }
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

// Fetch a page of this server: null if it is as it was.
async function fetched(address, tag) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await fetch(address, { headers, cache: "no-store", redirect: "error" });
  if (response.status === 304) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const entry of page.querySelectorAll("#words [id]")) {
    if (!document.getElementById(entry.id)) document.getElementById("words").append(entry);
  }
  const { title, body: { dataset: { every } } } = page;
  return { tag: response.headers.get("ETag") ?? "", main: page.getElementById("main"), ok: response.ok, title, every };
}

async function fill(part) {
  const page = await fetched(part.dataset.part, part.dataset.state ?? "");
  if (!page) return;
  const content = document.createElement("div");
  content.append(...(page.ok ? page.main.querySelector("#content") : page.main).childNodes);
  updateChildren(part, content);
  part.dataset.state = page.tag;
  part.removeAttribute("aria-busy");
}

async function refresh() {
  const page = await fetched(location.pathname + location.search, state);
  if (page) {
    updateChildren(main, page.main);
    document.title = page.title;
    document.body.dataset.every = page.every ?? seconds();
    state = page.tag;
  }
  for (const part of document.querySelectorAll("[data-part]")) await fill(part);
  if (page) said.value = `updated ${new Date().toTimeString().slice(0, 8)}`;
}

async function look() {
  const began = performance.now();
  if (!paused && document.visibilityState === "visible") {
    try {
      await refresh();
      if (said.dataset.lost) said.value = "connected again";
      delete said.dataset.lost;
    } catch {
      if (!said.dataset.lost) said.value = "no answer: is scai view still running?";
      said.dataset.lost = "yes";
    }
  }
  // A long run takes longer to read: the server is never asked more than a third of the time.
  setTimeout(look, Math.max(1000 * seconds(), 3 * (performance.now() - began)));
}

async function begin() {
  for (const part of document.querySelectorAll("[data-part]")) {
    part.setAttribute("aria-busy", "true");
    await fill(part).catch(() => part.removeAttribute("aria-busy"));
  }
  if (location.hash) reveal();
  if (!seconds()) return;
  pause.parentElement.hidden = false;
  said.value = "up to date";
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Continue" : "Pause";
    said.value = paused ? "paused" : "continued";
  });
  setTimeout(look, 1000 * seconds());
}

begin();
