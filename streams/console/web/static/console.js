// Live pages without jumps: the server sends the page's content when it has changed, and only what differs is touched.
"use strict";

const page = () => document.getElementById("page");

function busy(node) {
  // What somebody is typing in, has opened, or is asked about stays as it is.
  return node.nodeType === 1 && (node === document.activeElement && /^(INPUT|SELECT|TEXTAREA)$/.test(node.tagName)
    || node.tagName === "DIALOG" || node.dataset.keep !== undefined);
}

function morph(old, fresh) {
  if (old.isEqualNode(fresh) || busy(old)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) { old.replaceWith(fresh); return; }
  if (old.nodeType !== 1) { old.nodeValue = fresh.nodeValue; return; }
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes])
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const before = [...old.childNodes], after = [...fresh.childNodes];
  after.forEach((child, place) => before[place] ? morph(before[place], child) : old.append(child));
  before.slice(after.length).forEach((child) => busy(child) || child.remove());
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const id of ["page", "status"]) {
    const old = document.getElementById(id), found = fresh.getElementById(id);
    if (old && found) morph(old, document.importNode(found, true));
  }
  dress();
}

let source = null;
function follow() {
  if (!page() || page().dataset.live === undefined) return;
  source = new EventSource("/live?at=" + encodeURIComponent(location.pathname + location.search));
  source.addEventListener("page", (event) => { cut(false); show(JSON.parse(event.data)); });
  source.addEventListener("still", () => cut(false));
  source.onerror = () => cut(true);
}
function cut(isOff) {
  const note = document.getElementById("cut");
  if (note) note.hidden = !isOff;
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source && source.close(); source = null; } else if (!source) follow();
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form.filters");
  if (form) form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form.filters"))  // An address without what says nothing.
    for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    document.querySelector(".find input").focus();
  }
});

function choose(slider) {
  const rows = [...document.querySelectorAll("#thresholds tbody tr")];
  rows.forEach((row, place) => row.classList.toggle("chosen", place === Number(slider.value)));
  const chosen = rows[Number(slider.value)];
  if (!chosen) return;
  document.getElementById("threshold-at").textContent = chosen.cells[0].textContent;
  slider.setAttribute("aria-valuetext", chosen.cells[0].textContent);
  [...document.querySelectorAll("#threshold-says b")].forEach((b, place) => b.textContent = chosen.cells[place + 1].textContent.trim());
}
document.addEventListener("input", (event) => { if (event.target.id === "threshold") choose(event.target); });
function dress() {
  const slider = document.getElementById("threshold");
  if (slider) choose(slider);
}
dress();
const current = document.querySelector("nav a[aria-current]");
if (current) current.scrollIntoView({ inline: "center", block: "nearest" });
follow();
