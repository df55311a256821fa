// Improvements of pages that work without them: swap, live, copy, chart.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const clamp = (value, most) => Math.max(0, Math.min(most, value));
  const on = (target, kinds, act) => { for (const kind of kinds.split(" ")) target.addEventListener(kind, act); };
  const byID = (id) => document.getElementById(id);

  // One polite region tells what happened in the background.
  const voice = document.createElement("div");
  voice.className = "unseen";
  voice.role = "status";
  document.body.append(voice);
  const say = (text) => {
    voice.textContent = "";
    setTimeout(() => { voice.textContent = text; }, 50);
  };

  async function page(url, options) {
    const answer = await fetch(url, options);
    if (!/^text\/html/.test(answer.headers.get("content-type"))) throw new Error("no page");
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { answer, parsed };
  }

  // Puts the answer's element where ours of that id is. What had the focus keeps it.
  function replace(id, parsed) {
    const old = byID(id), fresh = parsed.getElementById(id);
    if (!old || !fresh) throw new Error(id);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const node = document.importNode(fresh, true);
    old.replaceWith(node);
    prepare(node);
    if (!focused) return;
    const same = (focused.id && byID(focused.id)) || all(focused.localName, node).find((other) =>
      other.name === focused.name && other.value === focused.value && other.textContent === focused.textContent);
    if (!same) node.tabIndex = -1;
    (same || node).focus({ preventScroll: true });
  }

  // <form data-swap="id …">
  on(document, "submit", async (event) => {
    const form = event.target, sender = event.submitter;
    if (!form.dataset.swap || event.defaultPrevented || sender?.hasAttribute("formaction")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy")) return;
    form.setAttribute("aria-busy", "true");
    const fields = new URLSearchParams(new FormData(form, sender));
    const isGet = form.getAttribute("method") === "get";
    const url = new URL(form.getAttribute("action") || "", location);
    if (isGet) url.search = fields;
    try {
      const { answer, parsed } = await page(url, isGet ? {} : { method: "POST", body: fields });
      const ids = form.dataset.swap.split(" ");
      for (const id of ids) replace(id, parsed);
      if (isGet) history.pushState(null, "", answer.url);
      shown = here();
      const told = parsed.querySelector(".notice");
      say(told ? told.textContent : parsed.title);
      // What the answer says at its head is seen where the form was. What stood there has gone with its part.
      if (told?.matches("main>:first-child")) {
        document.querySelector("main>.notice:first-child")?.remove();
        told.autofocus = false;
        told.removeAttribute("role");
        byID(ids[0]).prepend(told);
      }
      const wrong = document.querySelector("[aria-invalid=true]");
      if (wrong && !answer.ok) wrong.focus();
      form.removeAttribute("aria-busy");
    } catch {
      form.removeAttribute("data-swap");
      form.removeAttribute("aria-busy");
      form.requestSubmit(sender);
    }
  });
  // A link to a place of the same page is one as well.
  const here = () => location.pathname + location.search;
  let shown = here();
  on(window, "popstate", () => here() === shown || location.reload());

  // id data-live="seconds": as long as somebody is there; asking for ever would keep a session open. A part may come
  // with a form's answer, and what is refused now may be answered later: a page that leads elsewhere alone ends it.
  const patience = 10 * 60 * 1000, usual = 5, refusedFor = 10;
  let seen = Date.now();
  on(window, "pointermove keydown focus", () => { seen = Date.now(); });
  async function live() {
    const parts = all("[data-live][id]");
    let wait = Math.min(...parts.map((part) => +part.dataset.live || usual), parts.length ? Infinity : usual);
    const isIdle = document.hidden || Date.now() - seen > patience
      || parts.some((part) => part.querySelector("input:focus,textarea:focus,select:focus"));
    if (!isIdle) {
      try {
        // A part may come from a smaller page than the one that it stands on.
        const from = (part) => part.dataset.from || location.href;
        for (const url of new Set(parts.map(from))) {
          const { answer, parsed } = await page(url);
          if (answer.redirected) return;
          if (!answer.ok) { wait = refusedFor; continue; }
          for (const part of parts) {
            if (from(part) === url && part.isConnected && parsed.getElementById(part.id)) replace(part.id, parsed);
          }
        }
      } catch { /* The next time. */ }
    }
    setTimeout(live, 1000 * Math.max(1, wait));
  }

  // button data-copy="id"
  async function copy(button) {
    const source = byID(button.dataset.copy);
    const text = source.select ? source.value : source.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard over plain HTTP: mark it and ask in the old way.
      if (source.select) source.select(); else getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) return say("Press Ctrl+C to copy");
    }
    const name = button.textContent;
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = name; }, 1500);
  }

  // figure data-chart
  function chart(figure) {
    const svg = figure.querySelector(".plot svg"), bars = all("g[data-label]", svg);
    if (!bars.length) return;
    const read = document.createElement("output");
    read.className = "read";
    read.hidden = true;
    svg.before(read);
    svg.tabIndex = 0;
    const last = bars.length - 1;
    let at = -1;
    const show = (index) => {
      bars[at]?.classList.remove("at");
      at = index;
      read.hidden = !bars[at];
      if (read.hidden) return;
      const bar = bars[at];
      bar.classList.add("at");
      read.textContent = bar.dataset.label + "  " + bar.dataset.text;
      const room = svg.clientWidth - read.offsetWidth;
      // A style set by a script of ours is not inline style.
      read.style.left = clamp(svg.clientWidth * (at + 0.5) / bars.length - read.offsetWidth / 2, room) + "px";
    };
    on(svg, "pointermove", (event) => {
      const area = svg.getBoundingClientRect();
      show(clamp(Math.floor((event.clientX - area.x) / area.width * bars.length), last));
    });
    on(svg, "pointerleave blur", () => show(-1));
    on(svg, "keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") show(-1);
      if (!step) return;
      event.preventDefault();
      show(at < 0 && step < 0 ? last : clamp(at + step, last));
    });
  }

  const parts = (root, selector) => all(selector, root).concat(root.matches?.(selector) ? root : []);
  function prepare(root) {
    for (const button of parts(root, "[data-copy]")) button.hidden = false;
    parts(root, "[data-chart]").forEach(chart);
  }

  on(document, "click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    for (const menu of all("details:is(.menu,.account,.more)[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  on(document, "keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details:is(.menu,.account,.more)[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  prepare(document);
  live();
})();
