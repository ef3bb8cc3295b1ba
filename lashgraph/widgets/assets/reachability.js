// The view of reachability: the picture, a filter, a list of blobs to choose from by keyboard, and
// the answer to why. The browser filters by itself; Python is asked why, and nothing else.

const REACH_STATES = [
  ["live", "alive"],
  ["dangling", "needed, not there"],
  ["dead", "dead"],
  ["gone", "not there, not needed"],
];
const REACH_LOOKS = ["live", "missing", "dead", "gone"];
const REACH_LINE = 24; // pixels of a row of the list

class ReachView {
  constructor(host) {
    this.host = host;
    this.canvas = new ReachCanvas(host, (place) => place >= 0 && this.choose(this.data.name(place)), () => this.show_legend());
    this.filter = new ReachFilter(this);
    this.list = new ReachList(this);
    this.answer = make("section", { class: "lgw-reach-answer", aria: { label: "Why", live: "polite" } });
    this.legend = make("div", { class: "lgw-reach-legend" });
    host.body.append(
      this.filter.node,
      this.canvas.node,
      this.legend,
      make("div", { class: "lgw-reach-below" }, this.list.node, this.answer),
    );
    host.on("_picture", () => this.show());
    host.on(["kinds", "min_bytes", "max_bytes", "state"], () => this.sift());
    host.on("selection", () => this.show_chosen());
    this.show();
  }

  show() {
    this.data = new ReachData(this.host.get("_picture"));
    this.canvas.below.setAttribute("aria-label", reach_spoken(this.data));
    this.filter.show();
    this.canvas.show(this.data);
    this.sift();
    this.show_chosen();
  }

  show_legend() {
    const mark = (look, text) => make("span", { class: "lgw-reach-key" }, reach_mark(look, text === "manifest"), text);
    const scale = this.canvas.places?.scale ?? 0;
    const sample = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7].filter((size) => scale * Math.sqrt(size) <= 14).pop();
    replace(this.legend, [
      mark("root", "root"),
      mark("live", "manifest"),
      mark("live", "blob"),
      mark("dead", "dead"),
      mark("missing", "needed, not there"),
      ...(scale && sample ? [make("span", { class: "lgw-reach-key" }, reach_sample(scale * Math.sqrt(sample)), `${bytes_text(sample)}: areas are stored bytes`)] : []),
    ]);
  }

  /** What passes the filter, in the picture and in the list. */
  sift() {
    const { data, host } = this;
    const wanted = host.get("kinds");
    const state = REACH_STATES.findIndex(([name]) => name === host.get("state"));
    const [least, most] = [host.get("min_bytes") ?? 0, host.get("max_bytes") ?? Infinity];
    const kinds = data.kind_names.map((name) => !wanted.length || wanted.includes(name));
    const shift = data.roots.length;
    const passes = new Uint8Array(shift + data.count).fill(1, 0, shift);
    const found = [];
    let bytes = 0;
    for (let at = 0; at < data.count; at++) {
      if (!kinds[data.kinds[at]] || (state >= 0 && data.states[at] !== state)) continue;
      if (data.sizes[at] < least || data.sizes[at] > most) continue;
      passes[shift + at] = 1;
      found.push(at);
      bytes += data.sizes[at];
    }
    this.canvas.filter(found.length < data.count ? passes : null);
    this.list.show(found);
    this.filter.told(found.length, bytes);
  }

  choose(key) {
    if (key !== this.host.get("selection")) this.host.set({ selection: key });
    this.show_chosen();
  }

  show_chosen() {
    const key = this.host.get("selection");
    const place = this.data.place(key);
    this.canvas.choose(place);
    this.list.mark(place < this.data.roots.length ? -1 : place - this.data.roots.length);
    if (this.told === key && this.told_of === this.data) return;
    [this.told, this.told_of] = [key, this.data];
    if (!key) {
      replace(this.answer, [make("p", { class: "lgw-pale" }, "Choose a blob, in the picture or in the list, to see why it is alive or dead.")]);
      return;
    }
    replace(this.answer, [make("p", { class: "lgw-mono lgw-reach-hash" }, key), make("p", { class: "lgw-pale" }, "Asking …")]);
    this.ask(key);
  }

  async ask(key) {
    const told = await this.host.ask("why", { key });
    if (this.host.get("selection") === key) this.show_answer(told);
  }

  show_answer(told) {
    const looks = { live: "live", dead: "dead", root: "root", dangling: "missing", gone: "gone" };
    const lines = (texts) => make("ol", { class: "lgw-reach-chains lgw-mono" }, texts.map((text) => make("li", {}, text)));
    const more = told.more.length
      ? make("details", {}, make("summary", {}, `${told.more.length} more`), lines(told.more))
      : null;
    replace(this.answer, [
      make("h4", { class: "lgw-reach-title" }, reach_mark(looks[told.state], told.title === "CheckpointManifest"), told.title),
      make("p", { class: "lgw-mono lgw-reach-hash", data: { hash: told.key } }, told.key),
      make("p", { class: "lgw-reach-verdict" }, told.verdict),
      lines(told.lines),
      ...(more ? [more] : []),
      make("dl", { class: "lgw-reach-facts" }, told.facts.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
    ]);
  }
}

/** State, kinds, sizes, and the beginning of a hash. */
class ReachFilter {
  constructor(view) {
    this.view = view;
    const { host } = view;
    this.state = make(
      "select",
      { class: "lgw-select", id: `${host.id}-state`, on: { change: () => host.set({ state: this.state.value }) } },
      make("option", { value: "" }, "alive and dead"),
      REACH_STATES.map(([name, text]) => make("option", { value: name }, text)),
    );
    const size = (name, label) => {
      const set = after_pause(250, () => this.set_bytes(name));
      return make("input", {
        class: "lgw-input lgw-reach-size", type: "text", placeholder: label, spellcheck: "false",
        aria: { label: `${label === "min. size" ? "Least" : "Most"} stored bytes, such as 10 kB` }, on: { input: set, change: () => this.set_bytes(name) },
      });
    };
    this.sizes = { min_bytes: size("min_bytes", "min. size"), max_bytes: size("max_bytes", "max. size") };
    this.find = make("input", {
      class: "lgw-input lgw-mono lgw-reach-find", type: "text", placeholder: "hash begins with …", spellcheck: "false", autocomplete: "off",
      aria: { label: "The beginning of a hash" }, on: { input: () => this.seek(), keydown: (event) => event.key === "Enter" && this.seek() },
    });
    this.kinds = make("span", { class: "lgw-reach-kinds", role: "group", aria: { label: "Kinds" } });
    this.count = make("span", { class: "lgw-reach-count", role: "status" });
    this.node = make(
      "div",
      { class: "lgw-bar", role: "search", aria: { label: "Filter" } },
      this.find,
      make("label", { class: "lgw-hidden", for: this.state.id }, "State"),
      this.state,
      this.sizes.min_bytes,
      this.sizes.max_bytes,
      this.kinds,
      make("button", { class: "lgw-button", type: "button", on: { click: () => this.reset() } }, "Show all"),
      this.count,
    );
    host.on(["state", "min_bytes", "max_bytes", "kinds"], () => this.show());
  }

  show() {
    const { host, data } = this.view;
    this.state.value = host.get("state");
    for (const [name, input] of Object.entries(this.sizes)) {
      const now = bytes_of(input.value);
      if (now !== host.get(name)) input.value = host.get(name) === null ? "" : String(host.get(name));
      input.removeAttribute("aria-invalid");
    }
    const wanted = host.get("kinds");
    const counts = data.kind_names.map(() => 0);
    for (const kind of data.kinds) counts[kind]++;
    if (this.kinds.childElementCount === data.kind_names.length && this.of === data) {
      [...this.kinds.children].forEach((button, at) => button.setAttribute("aria-pressed", wanted.includes(data.kind_names[at])));
      return;
    }
    this.of = data;
    this.kinds.replaceChildren(
      ...data.kind_names.map((name, at) =>
        make(
          "button",
          {
            class: "lgw-button lgw-reach-kind", type: "button", title: name, data: { kind: name },
            aria: { pressed: String(wanted.includes(name)) }, on: { click: () => this.toggle(name) },
          },
          `${REACH_KINDS[name] ?? name} ${counts[at].toLocaleString("en")}`,
        ),
      ),
    );
  }

  toggle(name) {
    const kinds = this.view.host.get("kinds");
    this.view.host.set({ kinds: kinds.includes(name) ? kinds.filter((one) => one !== name) : [...kinds, name] });
  }

  set_bytes(name) {
    const input = this.sizes[name];
    const count = bytes_of(input.value);
    if (count === undefined) {
      input.setAttribute("aria-invalid", "true");
      this.count.textContent = no_bytes(input.value);
      return;
    }
    input.removeAttribute("aria-invalid");
    if (count !== this.view.host.get(name)) this.view.host.set({ [name]: count });
    else this.view.sift();
  }

  seek() {
    const text = this.find.value.trim();
    const found = text && this.view.list.seek(text);
    this.find.setAttribute("aria-invalid", String(Boolean(text) && !found));
  }

  reset() {
    this.find.value = "";
    this.find.removeAttribute("aria-invalid");
    for (const input of Object.values(this.sizes)) input.value = "";
    this.view.host.set({ kinds: [], min_bytes: null, max_bytes: null, state: "" });
    this.view.sift();
  }

  told(count, bytes) {
    const all = this.view.data.count;
    const shown = count === all ? `${all.toLocaleString("en")} blobs` : `${count.toLocaleString("en")} of ${all.toLocaleString("en")} blobs`;
    this.count.textContent = `${shown}, ${bytes_text(bytes)}`;
  }
}

/** The blobs that pass the filter, the largest first. */
class ReachList {
  constructor(view) {
    this.view = view;
    this.at = -1;
    this.show_rows([]);
    this.list = new Rows(view.host, {
      role: "listbox",
      label: "Blobs, the largest first; digits find a hash",
      height: REACH_LINE,
      draw: (at, row) => this.draw_row(at, row),
      fetch: async (first, count) => this.window(first, count),
      choose: (at) => this.view.choose(this.view.data.key(at)),
      key: () => undefined,
      typed: async (word) => this.row_of_prefix(word),
    });
    this.none = make("p", { class: "lgw-pale lgw-reach-none" });
    this.node = make("div", { class: "lgw-reach-list" }, this.none, this.list.list);
  }

  show_rows(found) {
    this.rows = found;
    this.row_of = new Map(found.map((at, row) => [at, row]));
    this.epoch = (this.epoch ?? 0) + 1;
  }

  show(found) {
    const { sizes, count } = this.view.data;
    this.show_rows(found.sort((a, b) => sizes[b] - sizes[a] || a - b));
    this.none.textContent = found.length ? "" : count ? "No blob passes the filter." : "There are no blobs.";
    this.list.take(this.window(0, found.length));
    this.mark(this.at);
  }

  window(first, count) {
    return { epoch: this.epoch, total: this.rows.length, first, rows: this.rows.slice(first, first + count) };
  }

  mark(at) {
    this.at = at;
    const row = this.row_of.get(at);
    if (row === undefined) {
      this.list.current = -1;
      this.list.paint();
    } else this.list.go(row, { quiet: true });
  }

  draw_row(at, row) {
    const { data } = this.view;
    const kind = data.kind_names[data.kinds[at]];
    const missing = data.states[at] % 2;
    return make(
      "div",
      {
        class: "lgw-row lgw-reach-row", role: "option", data: { hash: data.key(at) },
        aria: { selected: String(at === this.at), setsize: this.rows.length, posinset: row + 1 },
      },
      reach_mark(REACH_LOOKS[data.states[at]], data.manifests[at]),
      make("span", { class: "lgw-reach-state" }, REACH_STATES[data.states[at]][1]),
      make("span", { class: "lgw-reach-what" }, REACH_KINDS[kind] ?? kind),
      make("span", { class: "lgw-reach-bytes" }, missing ? "" : bytes_text(data.sizes[at])),
      make("span", { class: "lgw-mono lgw-pale lgw-reach-short" }, data.key(at).slice(0, 12)),
    );
  }

  /** The row of the first blob whose hash begins so; null if there is none. */
  row_of_prefix(text) {
    const wanted = text.toLowerCase();
    const row = this.rows.findIndex((at) => this.view.data.key(at).startsWith(wanted));
    return row < 0 ? null : row;
  }

  /** Choose that row; whether there is one. */
  seek(text) {
    const row = this.row_of_prefix(text);
    if (row !== null) this.list.go(row);
    return row !== null;
  }
}

/** A mark as in the picture. */
function reach_mark(look, is_manifest = false) {
  const shape = look === "root" ? ["rect", { x: 2.5, y: 2.5, width: 9, height: 9 }]
    : is_manifest ? ["path", { d: "M7 1 L13 7 L7 13 L1 7 Z" }]
    : ["circle", { cx: 7, cy: 7, r: 5 }];
  const hatch = look === "dead" ? draw_svg("path", { d: is_manifest ? "M5 9 L9 5" : "M3.5 9 L9 3.5 M5.5 11 L11 5.5" }) : null;
  return draw_svg(
    "svg",
    { class: `lgw-reach-mark lgw-reach-is-${look}`, width: 14, height: 14, viewBox: "0 0 14 14", aria: { hidden: "true" } },
    draw_svg(...shape),
    hatch,
  );
}

function reach_sample(radius) {
  const wide = Math.ceil(2 * radius + 2);
  return draw_svg(
    "svg",
    { class: "lgw-reach-mark lgw-reach-is-live", width: wide, height: wide, aria: { hidden: "true" } },
    draw_svg("circle", { cx: wide / 2, cy: wide / 2, r: radius }),
  );
}

/** What a picture shows, in a sentence. */
function reach_spoken(data) {
  return `${REACH_LAYERS.map((layer) => reach_head(data, layer)).join(", ")}. The list below tells the same.`;
}

export default widget("What keeps what alive", (host) => new ReachView(host));
