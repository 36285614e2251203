"use strict";
// The page is whole without this script: it filters, copies, leads links into folded transcripts and shows what a mark says.

function filtering(box) {
  const form = box.querySelector(".filter");
  if (!form) return;
  const talks = [...box.querySelectorAll(".talk")];
  const none = box.querySelector(".none"), all = box.querySelector(".all");
  let most = 20;
  const words = new Map();
  const textOf = (talk) => words.get(talk) ?? words.set(talk, talk.textContent.toLowerCase()).get(talk);
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const text = wanted.text.trim().toLowerCase();
    let found = 0;
    for (const talk of talks) {
      const has = talk.dataset;
      const matches =
        (!wanted.epoch || has.epoch === wanted.epoch) &&
        (!wanted.persona || has.persona === wanted.persona) &&
        (!wanted.task || has.task === wanted.task) &&
        (!wanted.kind || (has.kind ?? "").split("|").includes(wanted.kind)) &&
        (!text || textOf(talk).includes(text));
      found += matches;
      talk.hidden = !matches || found > most;
    }
    none.hidden = found > 0;
    all.hidden = found <= most;
    all.textContent = `Show all ${found}`;
    form.querySelector("output").value = `${found} conversation${found === 1 ? "" : "s"}`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  all.addEventListener("click", () => { most = Infinity; apply(); });
  box.addEventListener("clear", () => { form.reset(); most = Infinity; apply(); });
  apply();
}

function reveal() {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { /* as it stands */ }
  const target = name && document.getElementById(name);
  if (!target) return;
  const talk = target.closest(".talk");
  if (talk?.hidden) talk.closest(".transcripts").dispatchEvent(new Event("clear"));
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  target.scrollIntoView({ block: "start" });
}

function copying(button) {
  const text = button.parentElement.querySelector("pre");
  const before = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 1500);
  });
}

function tips(chart, tip) {
  const marks = [...chart.querySelectorAll("[data-tip]")];
  const nearest = (event) => {
    let best = null, least = 40;
    for (const mark of marks) {
      const box = mark.getBoundingClientRect();
      const far = Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
      if (far < least) [best, least] = [mark, far];
    }
    return best;
  };
  chart.addEventListener("pointermove", (event) => {
    const mark = nearest(event);
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const box = mark.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(box.x, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(8, box.y - tip.offsetHeight - 8)}px`;
  });
  chart.addEventListener("pointerleave", () => { tip.hidden = true; });
}

function enliven(root) {
  const all = (kind) => [...root.querySelectorAll(kind), ...(root.matches?.(kind) ? [root] : [])];
  const tip = document.getElementById("tip");
  all(".transcripts").forEach(filtering);
  all(".copy").forEach(copying);
  all(".chart").forEach((chart) => tips(chart, tip));
}

enliven(document);
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) reveal();
});
// In a notebook's frame (`srcdoc`) a link has the notebook's address for its base, and would load it.
if (location.protocol === "about:") document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  location.hash = link.hash;
});
reveal();
