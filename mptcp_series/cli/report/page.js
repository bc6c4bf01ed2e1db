// SPDX-License-Identifier: MIT
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const items = Array.from(document.querySelectorAll("#patches > li"));
  const search = byId("search"), status = byId("status"), path = byId("path"), topic = byId("topic");
  const symptom = byId("symptom"), overridden = byId("overridden"), shown = byId("shown"), theme = byId("theme");
  const words = items.map((item) =>
    (item.dataset.words + " " + item.dataset.paths + " " + item.querySelector(".title").textContent).toLowerCase());

  const has = (list, word) => !word || (" " + list + " ").includes(" " + word + " ");
  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    items.forEach((item, at) => {
      const fits = (!status.value || item.dataset.status === status.value)
        && (!path.value || item.dataset.paths.split(" ").some((one) => one.startsWith(path.value)))
        && has(item.dataset.topics, topic.value) && has(item.dataset.symptoms, symptom.value)
        && (!overridden.checked || "override" in item.dataset)
        && wanted.every((word) => words[at].includes(word));
      item.hidden = !fits;
      count += fits;
    });
    shown.textContent = count + " of " + items.length + " patches";
  }

  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const kinds = { "+": "add", "-": "del", "@": "head", "\\": "note" };
  function diffTable(text) {
    const table = make("table");
    let inside = false;
    for (const line of text.replace(/\n$/, "").split("\n")) {
      const starts = line.startsWith("diff --git ");
      if (starts) inside = false;
      if (line.startsWith("@@")) inside = true;
      const kind = starts ? "file" : inside ? kinds[line[0]] || "same" : "note";
      const row = table.insertRow();
      row.className = kind;
      const sign = kind === "add" || kind === "del";
      row.append(make("td", sign ? line[0] : "", "n"), make("td", inside && kind !== "head" ? line.slice(1) : line));
    }
    return table;
  }
  function lay(item) {
    const place = item.querySelector(".more");
    if (place.childNodes.length) return;
    const [message, diff, conflicts] = data[items.indexOf(item)];
    if (message) place.append(make("pre", message, "message"));
    for (const [where, text] of conflicts) place.append(make("pre", where + "\n" + text, "conflict"));
    if (diff) {
      const box = make("div", undefined, "code");
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "Diff");
      box.append(diffTable(diff));
      place.append(box);
    }
  }
  items.forEach((item) => item.querySelector("details").addEventListener("toggle", (event) => {
    if (event.target.open) lay(item);
  }));

  function go(id) {
    const target = byId(id);
    if (!target) return;
    if (target.hidden) { document.querySelector(".filters").reset(); filter(); }
    const details = target.matches("details") ? target : target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
    const summary = target.querySelector("summary");
    if (summary) summary.focus({ preventScroll: true });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.className !== "skip") { event.preventDefault(); history.replaceState(null, "", link.hash); go(link.hash.slice(1)); }
    const cell = event.target.closest("[data-to]");
    if (cell) go(cell.dataset.to);
    const tile = event.target.closest(".tile");
    if (tile) { status.value = status.value === tile.dataset.status ? "" : tile.dataset.status; filter(); byId("queue").scrollIntoView(); }
  });
  document.querySelectorAll("[data-grow]").forEach((cell) => { cell.style.flexGrow = cell.dataset.grow; });

  const dark = () => document.documentElement.dataset.theme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  function paint(to) {
    if (to) document.documentElement.dataset.theme = to;
    theme.textContent = dark() ? "Light" : "Dark";
    theme.setAttribute("aria-pressed", String(dark()));
  }
  function flip() {
    const to = dark() ? "light" : "dark";
    paint(to);
    try { localStorage.setItem("mptcp-series-theme", to); } catch { /* a page from a disk may have no storage */ }
  }
  theme.addEventListener("click", flip);
  let kept = null;
  try { kept = localStorage.getItem("mptcp-series-theme"); } catch { /* as above */ }
  paint(kept);

  const form = document.querySelector(".filters");
  for (const kind of ["input", "change"]) form.addEventListener(kind, filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    if (event.key === "d") flip();
    if (event.key === "j" || event.key === "k") {
      const visible = items.filter((item) => !item.hidden);
      const at = visible.findIndex((item) => item.contains(document.activeElement));
      const next = visible[at < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
      if (next) next.querySelector("summary").focus();
    }
    if (event.key === "o") {
      const item = items.find((one) => one.contains(document.activeElement));
      if (item) { const details = item.querySelector("details"); details.open = !details.open; }
    }
  });
  if (location.hash) go(location.hash.slice(1));
})();
