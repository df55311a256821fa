// A table of fields as a sheet: a grid by keyboard, paste, fill down, undo. Without it the fields are a plain form.
(() => {
  "use strict";
  const on = (target, kind, act) => target.addEventListener(kind, act);
  for (const table of document.querySelectorAll("table[data-sheet]")) sheet(table);

  function sheet(table) {
    const form = table.closest("form");
    const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td>input:enabled")]);
    const isBox = (input) => input.type === "checkbox";
    const get = (input) => (isBox(input) ? (input.checked ? "on" : "") : input.value);
    const count = form.querySelector("[data-sheet-count]");
    const place = new Map();
    const steps = [];
    let editing = false, before = "", anchor, active, isSent = false;

    table.role = "grid";
    rows.forEach((row, y) => row.forEach((input, x) => {
      place.set(input, [y, x]);
      input.tabIndex = -1;
      input.parentNode.role = "gridcell";
      mark(input);
    }));
    active = rows.flat()[0];
    if (!active) return;
    active.tabIndex = 0;
    tell();

    function put(input, value) {
      if (isBox(input)) input.checked = /^(on|1|true|yes|x)$/i.test(value.trim());
      else input.value = value;
      mark(input);
    }
    function mark(input) {
      const stored = isBox(input) ? (input.defaultChecked ? "on" : "") : input.defaultValue;
      input.parentNode.classList.toggle("changed", get(input) !== (input.dataset.was ?? stored));
    }
    function tell() {
      const n = table.querySelectorAll(".changed").length;
      if (count) count.textContent = `${n} cell${n === 1 ? "" : "s"} changed`;
    }
    // One step of undoing: [[input, value before], …].
    function change(pairs) {
      const cells = pairs.filter(([input, value]) => input && get(input) !== value);
      if (cells.length) steps.push(cells.map(([input]) => [input, get(input)]));
      for (const [input, value] of cells) put(input, value);
      before = get(active);
      tell();
    }
    function undo() {
      const step = steps.pop();
      if (!step) return;
      for (const [input, value] of step) put(input, value);
      before = get(active);
      tell();
      go(step[0][0]);
    }
    function revert() {
      put(active, before);
      tell();
    }
    function edit() {
      editing = true;
      if (!isBox(active)) active.setSelectionRange(active.value.length, active.value.length);
    }
    // What was typed into the cell becomes a step.
    function keep() {
      if (active && get(active) !== before) {
        steps.push([[active, before]]);
        before = get(active);
      }
    }
    function go(input, grows = false) {
      if (!input) return;
      keep();
      active.tabIndex = -1;
      input.tabIndex = 0;
      if (grows) anchor = anchor || active; else anchor = null;
      active = input;
      before = get(input);
      input.focus();
      if (!isBox(input)) input.select();
      paint();
    }
    function range() {
      const [y, x] = place.get(active), [v, u] = place.get(anchor || active);
      return { top: Math.min(y, v), left: Math.min(x, u), bottom: Math.max(y, v), right: Math.max(x, u) };
    }
    function cells({ top, left, bottom, right }) {
      return rows.slice(top, bottom + 1).flatMap((row) => row.slice(left, right + 1));
    }
    function paint() {
      for (const cell of table.querySelectorAll(".in")) cell.classList.remove("in");
      if (anchor) for (const input of cells(range())) input.parentNode.classList.add("in");
    }
    const at = (y, x) => rows[y] && rows[y][x];

    on(table, "focusin", (event) => {
      const input = event.target;
      if (!place.has(input)) return;
      if (input !== active) { keep(); active.tabIndex = -1; input.tabIndex = 0; anchor = null; active = input; paint(); }
      before = get(input);
      editing = false;
    });
    on(table, "focusout", keep);
    on(table, "input", (event) => {
      if (!isBox(event.target)) editing = true;
      mark(event.target);
      tell();
    });
    // A click takes a cell, as an arrow does; another one goes into its text.
    let taken;
    on(table, "pointerdown", ({ target }) => { taken = target !== document.activeElement && target; });
    on(table, "click", ({ target }) => { if (target === taken && place.has(target)) target.select(); });
    on(table, "dblclick", edit);
    on(table, "keydown", (event) => {
      if (!place.has(event.target) || event.altKey || event.isComposing) return;
      const [y, x] = place.get(active);
      const control = event.ctrlKey || event.metaKey;
      const key = event.key;
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
      if (control && key === "z") { if (get(active) !== before) revert(); else undo(); }
      else if (control && key === "d") fill();
      else if (key === "Enter" && control) return form.requestSubmit();
      else if (key === "Enter") { if (editing) { editing = false; go(at(y + (event.shiftKey ? -1 : 1), x)); } else if (isBox(active)) active.click(); else edit(); }
      else if (key === "F2") edit();
      else if (key === "Escape") { revert(); editing = false; if (!isBox(active)) active.select(); }
      else if (key === "Delete" && !editing) change(cells(range()).map((input) => [input, ""]));
      else if (step && !(editing && step[1])) go(at(y + step[0], x + step[1]), event.shiftKey);
      else if ((key === "Home" || key === "End") && !editing) go(at(y, key === "Home" ? 0 : rows[y].length - 1));
      else return;
      event.preventDefault();
    });
    // The top row of what is selected goes into the rows below; of a single cell, the cell above.
    function fill() {
      const area = range();
      if (area.top === area.bottom) area.top = Math.max(0, area.top - 1);
      change(rows.slice(area.top + 1, area.bottom + 1).flatMap((row) => row.slice(area.left, area.right + 1)
        .map((input, index) => [input, get(rows[area.top][area.left + index])])));
    }
    on(table, "paste", (event) => {
      const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
      if (!/[\t\n]/.test(text)) return;
      event.preventDefault();
      keep();
      const { top, left } = range();
      const pairs = text.split("\n").flatMap((line, dy) => line.split("\t").map((value, dx) => [at(top + dy, left + dx), value.trim()]));
      change(pairs);
      const lost = pairs.filter(([input, value]) => !input && value).length;
      if (count && lost) count.textContent += `; ${lost} pasted had no cell`;
    });
    on(table, "copy", (event) => {
      if (!anchor) return;
      const { top, left, bottom, right } = range();
      event.clipboardData.setData("text/plain",
        rows.slice(top, bottom + 1).map((row) => row.slice(left, right + 1).map(get).join("\t")).join("\n"));
      event.preventDefault();
    });
    on(form, "submit", () => { isSent = true; });
    on(window, "beforeunload", (event) => {
      if (!isSent && steps.length && table.querySelector(".changed")) event.preventDefault();
    });
  }
})();
