"use strict";
(() => {
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const root = document.documentElement;

// light or dark: the system's choice until a reader makes one
const theme = $("#theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const shown = () => root.dataset.theme || (dark.matches ? "dark" : "light");
const label = () => { theme.textContent = shown() === "dark" ? "☀ Light" : "☾ Dark"; };
theme.addEventListener("click", () => {
  root.dataset.theme = shown() === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not remembered, then */ }
  label();
});
dark.addEventListener("change", label);
label();

// the age of what is shown, at the moment it is read
for (const time of all("time[data-age]")) {
  const days = Math.floor((Date.now() - Date.parse(time.dateTime)) / 864e5);
  if (days > +time.dataset.age) {
    const note = $("#age");
    note.textContent = `This table was measured ${days} days ago. Runtimes change weekly: take it with care, or measure your own.`;
    note.hidden = false;
  }
}

// filters: rows by runtime and platform, columns by model and weights, cells by verdict; all of it in the address
const form = $("#filters");
if (form) {
  const rows = all(".grid tbody tr.row"), heads = all(".grid thead th[data-model]"), fields = [...form.elements].filter((item) => item.name);
  const groups = all(".grid tbody"), count = $("output", form), none = $("#none");
  const address = new URLSearchParams(location.search);
  for (const field of fields) {
    const value = address.get(field.name);
    if (value && [...field.options].some((option) => option.value === value)) field.value = value;
  }
  const apply = () => {
    const want = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    const columns = heads.map((head) => (!want.model || head.dataset.model === want.model) && (!want.weights || head.dataset.weights === want.weights));
    heads.forEach((head, index) => { head.hidden = !columns[index]; });
    for (const top of all(".grid thead .top th[data-weights]")) {
      const span = heads.filter((head) => head.dataset.weights === top.dataset.weights && !head.hidden).length;
      top.hidden = !span;
      if (span) top.colSpan = span;
    }
    let cells = 0, most = 0;
    for (const row of rows) {
      let hits = 0;
      [...row.cells].slice(1).forEach((cell, index) => {
        cell.hidden = !columns[index];
        for (const chip of all(".c", cell)) {
          const right = !want.verdict || chip.classList.contains("v-" + want.verdict) || (want.verdict === "broken" && chip.classList.contains("lie"));
          chip.classList.toggle("dim", !right);
          if (columns[index]) { most += 1; hits += right; }
        }
      });
      row.hidden = !hits || (want.runtime && row.dataset.runtime !== want.runtime) || (want.platform && row.dataset.platform !== want.platform);
      if (!row.hidden) cells += hits;
    }
    for (const group of groups) group.hidden = !all("tr.row", group).some((row) => !row.hidden);
    none.hidden = cells > 0;
    const active = fields.filter((field) => field.value);
    count.textContent = `${cells} cell${cells === 1 ? "" : "s"} shown`;
    $("[type=reset]", form).hidden = !active.length;
    return active;
  };
  const keep = () => {
    const active = apply(), query = new URLSearchParams(active.map((field) => [field.name, field.value])).toString();
    history.replaceState(null, "", (query ? "?" + query : location.pathname) + location.hash);
  };
  form.addEventListener("change", keep);
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const field of fields) field.value = "";
    keep();
    fields[0].focus();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

// the panel: a cell's evidence, moved from the end of the page into a dialog
const dialog = $("#panel"), shelf = $("#evidence");
const find = (hash) => {
  const id = hash.slice(1);
  if (!id) return null;
  let cell = document.getElementById(id);
  try { cell = cell || document.getElementById(decodeURIComponent(id)); } catch { /* not an address of ours */ }
  return cell;
};
const put = () => { for (const cell of all(".cell", dialog)) shelf.append(cell); };
const open = () => {
  const cell = find(location.hash);
  if (cell && cell.classList.contains("cell")) {
    put();
    $(".body", dialog).append(cell);
    $(".bar span", dialog).textContent = "Evidence";
    dialog.setAttribute("aria-labelledby", $("h3", cell).id);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    return;
  }
  if (dialog.open) dialog.close();
  const elsewhere = location.hash && !cell && all("a.c").find((link) => link.getAttribute("href").endsWith(location.hash));
  if (elsewhere) location.replace(elsewhere.href);
};
dialog.addEventListener("close", () => {
  put();
  // following a link to a fragment takes the focus off the link, so the dialog cannot give it back by itself
  all("a.c").find((link) => location.hash && link.hash === location.hash && link.offsetParent)?.focus();
  if (find(location.hash)?.classList.contains("cell")) history.replaceState(null, "", location.pathname + location.search);
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
$("#close").addEventListener("click", () => dialog.close());
addEventListener("hashchange", open);
// the same link twice: the address does not change, so nothing else would say so
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.c");
  if (link && link.hash && link.hash === location.hash && link.pathname === location.pathname) open();
});
open();

// copy and play
let sound;
document.addEventListener("click", async (event) => {
  const copy = event.target.closest("button.copy");
  if (copy) {
    const text = copy.closest(".cmd").querySelector("code").textContent;
    try { await navigator.clipboard.writeText(text); } catch {
      getSelection().selectAllChildren(copy.closest(".cmd").querySelector("code"));
      document.execCommand("copy");
    }
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  }
  const play = event.target.closest("a.play");
  if (play && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    if (sound) sound.pause();
    sound = new Audio(play.href);
    sound.play().catch(() => { location.href = play.href; });
  }
});

// arrow keys walk the table
$(".grid")?.addEventListener("keydown", (event) => {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const from = event.target.closest("a.c");
  if (!step || !from) return;
  const lines = all(".grid tr.row").filter((row) => !row.hidden && !row.parentElement.hidden);
  let line = lines.indexOf(from.closest("tr")), column = from.closest("td").cellIndex;
  for (;;) {
    line += step[0];
    column += step[1];
    const cell = lines[line]?.cells[column];
    if (!cell) return;
    const chip = !cell.hidden && $("a.c", cell);
    if (chip) { event.preventDefault(); chip.focus(); return; }
  }
});
})();
