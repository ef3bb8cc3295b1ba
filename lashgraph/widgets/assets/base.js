// What all widgets share. The scripts of a widget follow in the same module and end with
// `export default widget(draw)`, where `draw(host)` fills `host.body`.
//
// Texts from stores reach the page as text nodes only: `make` appends strings as text, sets
// attributes from a short list, and adds listeners whose errors are told in the widget.

const ATTRIBUTES = new Set([
  "class", "id", "role", "tabindex", "title", "type", "value", "placeholder", "for", "name",
  "spellcheck", "autocomplete", "dir", "scope", "colspan", "min", "max", "step", "rows", "open",
]);
const SVG = "http://www.w3.org/2000/svg";
const PATIENCE = 8000; // milliseconds before a question without an answer is spoken of
const GLANCE = 2000; // milliseconds between two looks at the files

/** An element: {class, role, aria: {…}, data: {…}, on: {…}, …}, then texts and elements. */
function make(tag, facts = {}, ...content) {
  return dress(document.createElement(tag), facts, content);
}

/** An element of SVG; attributes of shape and paint are allowed too. */
function draw_svg(tag, facts = {}, ...content) {
  return dress(document.createElementNS(SVG, tag), facts, content, /^[a-z][a-zA-Z-]*$/);
}

function dress(node, { aria = {}, data = {}, on = {}, disabled, ...facts }, content, allowed) {
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined || value === null || value === false) continue;
    const known = ATTRIBUTES.has(name) || (allowed?.test(name) && !/^(on|href|src|style)/.test(name));
    if (!known) throw new Error(`no attribute ${name} here`);
    node.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, value] of Object.entries(aria)) {
    if (value !== undefined && value !== null) node.setAttribute(`aria-${name}`, value);
  }
  for (const [name, value] of Object.entries(data)) node.dataset[name] = value;
  for (const [name, listener] of Object.entries(on)) listen(node, name, listener);
  if (disabled) node.disabled = true;
  node.append(...content.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return node;
}

/** Listen, and let the widget tell what goes wrong. */
function listen(node, name, listener, options) {
  const tell = (error) =>
    node.dispatchEvent(new CustomEvent("lashgraph-error", { bubbles: true, detail: error }));
  node.addEventListener(
    name,
    (event) => {
      try {
        listener(event)?.catch?.(tell);
      } catch (error) {
        tell(error);
      }
    },
    options,
  );
}

/** Call once after a pause. */
function after_pause(milliseconds, work) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

/** Whether what stands behind a node is dark. */
function is_dark(node) {
  const declared = document.body.dataset.jpThemeLight;
  if (declared) return declared === "false";
  for (let one = node; one; one = one.parentElement) {
    const parts = getComputedStyle(one).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    if (parts.length === 3 || parts[3] > 0.5) {
      return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
    }
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

let views = 0;

/** One view of a widget: its root, its messages, its model. */
class Host {
  constructor(model, el, label) {
    this.model = model;
    this.id = `lgw-${++views}-${Math.random().toString(36).slice(2, 8)}`;
    this.waiting = new Map();
    this.asked = 0;
    this.endings = [];
    this.notice = make("div", { class: "lgw-notice", role: "status", aria: { live: "polite" } });
    this.alert = make("div", { class: "lgw-alert", role: "alert" });
    this.body = make("div", { class: "lgw-body" });
    this.root = make(
      "div",
      { class: "lgw", role: "group", aria: { label }, data: { lmSuppressShortcuts: "true" } },
      this.notice,
      this.alert,
      this.body,
    );
    listen(this.root, "lashgraph-error", (event) => this.tell(event.detail));
    el.append(this.root);
    this.follow_theme();
    this.local = { error: "", notice: "" };
    this.on(["error", "notice", "stale"], () => this.show_messages());
    this.receive("msg:custom", (content) => this.take(content));
    this.receive("comm_live_update", () => this.lost());
    const look = () => this.look();
    listen(this.root, "pointerenter", look);
    listen(this.root, "focusin", look);
    // a notebook's shortcuts are matched from the focused element outwards: that one must say no
    listen(this.root, "focusin", (event) => (event.target.dataset.lmSuppressShortcuts = "true"));
    this.show_messages();
  }

  get(name) {
    return this.model.get(name);
  }

  /** Set values of the model, and send them. */
  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  /** Call when one of these values changes. */
  on(names, work) {
    for (const name of [names].flat()) this.receive(`change:${name}`, work);
  }

  receive(event, work) {
    const guarded = (...given) => this.attempt(() => work(...given));
    this.model.on(event, guarded);
    this.endings.push(() => this.model.off(event, guarded));
  }

  attempt(work) {
    try {
      const made = work();
      made?.catch?.((error) => this.tell(error));
      return made;
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }

  /** Ask Python: a promise of its reply; an error is told whether or not anyone waits for it. */
  ask(name, facts = {}) {
    const id = `${this.id}:${++this.asked}`;
    const reply = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.local.notice =
          "The kernel has not answered yet. It may be busy, or it was restarted: then run the cell again.";
        this.show_messages();
      }, PATIENCE);
      this.waiting.set(id, { resolve, reject, timer });
      this.model.send({ ...facts, ask: name, id });
    });
    reply.catch(() => {});
    return reply;
  }

  take(content) {
    const asked = this.waiting.get(content?.answer);
    if (!asked) return;
    this.waiting.delete(content.answer);
    clearTimeout(asked.timer);
    if (this.local.notice) {
      this.local.notice = "";
      this.show_messages();
    }
    if (content.error) asked.reject(new Told(content.error));
    else asked.resolve(content);
  }

  /** Show an error: those of Python come with the model, others are of this page. */
  tell(error) {
    if (!(error instanceof Told)) this.local.error = `${error?.name ?? "Error"}: ${error?.message ?? error}`;
    this.show_messages();
  }

  lost() {
    this.local.notice =
      "The kernel that made this has ended: what is shown stays, and nothing more can be asked. Run the cell again.";
    this.root.dataset.lost = "true";
    this.show_messages();
  }

  look() {
    const now = Date.now();
    if (this.root.dataset.lost || now - (this.looked ?? 0) < GLANCE) return;
    this.looked = now;
    this.model.send({ ask: "look", id: `${this.id}:look` }); // what comes of it is in `stale`
  }

  show_messages() {
    const said = [this.local.notice, this.get("notice")].filter(Boolean).map((text) => make("p", {}, text));
    if (this.get("stale")) {
      said.push(
        make(
          "p",
          { class: "lgw-stale" },
          this.get("stale"),
          " ",
          make("button", { class: "lgw-button", type: "button", on: { click: () => this.ask("reload") } }, "Reload"),
        ),
      );
    }
    replace(this.notice, said);
    const error = this.get("error") || this.local.error;
    replace(
      this.alert,
      error ? [make("p", {}, error), make("button", { class: "lgw-button", type: "button", on: { click: () => this.dismiss() } }, "Dismiss")] : [],
    );
  }

  dismiss() {
    this.local.error = "";
    if (this.get("error")) this.set({ error: "" });
    this.show_messages();
  }

  follow_theme() {
    const choose = () => {
      const theme = is_dark(this.root.parentElement) ? "dark" : "light";
      if (this.root.dataset.theme !== theme) this.root.dataset.theme = theme;
    };
    const watch = new MutationObserver(choose);
    for (const one of [document.documentElement, document.body]) {
      watch.observe(one, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] });
    }
    const preference = matchMedia("(prefers-color-scheme: dark)");
    preference.addEventListener("change", choose);
    this.endings.push(() => watch.disconnect(), () => preference.removeEventListener("change", choose));
    choose();
    requestAnimationFrame(choose);
  }

  dispose() {
    for (const end of this.endings) end();
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
  }
}

/** An error that Python has told of already. */
class Told extends Error {}

/** Put other content in, if it is other: what is read aloud is not read twice. */
function replace(node, content) {
  const text = content.map((one) => one.textContent).join("\n");
  if (node.textContent !== content.map((one) => one.textContent).join("") || !text) node.replaceChildren(...content);
}

/** What a module of a widget exports. */
function widget(label, draw) {
  return {
    render({ model, el }) {
      const host = new Host(model, el, label);
      host.attempt(() => draw(host));
      host.attempt(() => host.look()); // the first message to a kernel at work may be left lying
      return () => host.dispose();
    },
  };
}
