// corpus(corpus): a table of sessions, the picture of their bytes, and one of them as a tree.

function corpus_view(host) {
  const search = make("input", {
    class: "lgw-input lgw-grow",
    type: "search",
    placeholder: "Search names, paths, models, errors",
    spellcheck: "false",
    autocomplete: "off",
    aria: { label: "Search names, paths, models and errors" },
  });
  const hits = make("span", { class: "lgw-pale", role: "status" });
  const clear = make("button", { class: "lgw-button", type: "button" }, "Clear filters");
  const about = make("div", { class: "lgw-co-about" });
  const map = new ByteMap(host, (path) => select(path, true));
  const header = make("div", { class: "lgw-co-header", role: "rowgroup" });
  const overview = make("div", { class: "lgw-co-overview" });
  const inner = make("div", { class: "lgw-co-inner" });
  let boxes = {};

  const list = new Rows(host, {
    role: "grid",
    label: "Sessions",
    height: 27,
    header,
    draw: draw_session,
    fetch: (first, count) => host.ask("rows", { first, count }),
    choose: (row) => select(row.id, false),
    key: take_key,
  });

  function draw_session(row, index) {
    const cells = row.cells.map((text, number) => {
      const column = host.get("_columns")[number];
      const first = number === 0 && row.error ? make("span", { class: "lgw-co-warn", title: row.error, role: "img", aria: { label: row.error } }, "!") : null;
      return make("span", { class: `lgw-co-cell lgw-co-${column.kind}`, role: "gridcell" }, first, make("bdi", {}, text));
    });
    if (!row.read) cells.push(make("bdi", { class: "lgw-co-failed", role: "gridcell" }, row.error));
    return make(
      "div",
      {
        class: `lgw-row lgw-co-row${row.read ? "" : " lgw-co-lost"}`,
        role: "row",
        data: { path: row.id },
        aria: { rowindex: index + 3, selected: row.id === host.get("selection") },
      },
      cells,
    );
  }

  function take_key(event, row) {
    if (event.key === "Enter" && row.read) {
      host.set({ opened: row.id });
      return true;
    }
    return event.key === " ";
  }

  async function select(path, from_map) {
    if (host.get("selection") !== path) host.set({ selection: path });
    if (from_map && path !== null) await reveal(path);
  }

  async function reveal(path) {
    const { moves } = list;
    const reply = await host.ask("place", { path });
    if (reply.row !== null && moves === list.moves) await list.go(reply.row, { quiet: true, middle: true });
  }

  // The header: names that sort, and a filter for each column

  function draw_header() {
    const columns = host.get("_columns");
    boxes = {};
    const titles = columns.map((column) => {
      const button = make(
        "button",
        { class: "lgw-co-sort", type: "button", title: column.meaning, data: { column: column.name }, on: { click: () => sort(column.name) } },
        make("span", {}, column.title),
        make("span", { class: "lgw-co-arrow", aria: { hidden: true } }),
      );
      return make("span", { class: `lgw-co-cell lgw-co-${column.kind}`, role: "columnheader", data: { column: column.name } }, button);
    });
    const filters = columns.map((column) => {
      const hint = { text: "filter", time: "2026-03", count: ">= 3", bytes: "> 1 MB" }[column.kind];
      const box = make("input", { class: "lgw-input lgw-co-filter", type: "text", placeholder: hint, spellcheck: "false", autocomplete: "off", aria: { label: `Filter of ${column.title}` } });
      listen(box, "input", filter);
      listen(box, "keydown", (event) => event.stopPropagation());
      boxes[column.name] = box;
      return make("span", { class: `lgw-co-cell lgw-co-${column.kind}`, role: "gridcell" }, box);
    });
    header.replaceChildren(
      make("div", { class: "lgw-co-titles", role: "row", aria: { rowindex: 1 } }, titles),
      make("div", { class: "lgw-co-titles lgw-co-filters", role: "row", aria: { rowindex: 2 } }, filters),
    );
    list.list.setAttribute("aria-colcount", columns.length);
  }

  function sort(name) {
    const same = host.get("sort") === name;
    const column = host.get("_columns").find((one) => one.name === name);
    host.set({ sort: name, descending: same ? !host.get("descending") : column.kind !== "text" });
  }

  const filter = after_pause(250, () =>
    host.attempt(() => {
      const filters = {};
      for (const [name, box] of Object.entries(boxes)) if (box.value.trim()) filters[name] = box.value.trim();
      host.set({ filters });
    }),
  );

  function show_order() {
    for (const cell of header.querySelectorAll("[role=columnheader]")) {
      const chosen = cell.dataset.column === host.get("sort");
      cell.setAttribute("aria-sort", chosen ? (host.get("descending") ? "descending" : "ascending") : "none");
      cell.querySelector(".lgw-co-arrow").textContent = chosen ? (host.get("descending") ? "▼" : "▲") : "";
    }
    for (const [name, box] of Object.entries(boxes)) {
      const wanted = host.get("filters")[name] ?? "";
      if (box.value.trim() !== wanted.trim() && document.activeElement !== box) box.value = wanted;
    }
    if (search.value.trim() !== host.get("query").trim()) search.value = host.get("query");
    clear.disabled = !host.get("query") && !Object.keys(host.get("filters")).length;
  }

  function show_rows() {
    const rows = host.get("_rows");
    if (rows.epoch === undefined) return;
    list.current = -1;
    list.list.scrollTop = 0;
    list.take(rows);
    list.list.setAttribute("aria-rowcount", rows.total + 2);
    const all = rows.of.toLocaleString("en");
    hits.textContent = rows.total === rows.of ? `${all} ${rows.of === 1 ? "file" : "files"}` : `${rows.total.toLocaleString("en")} of ${all}`;
    map.refresh();
    if (host.get("selection") !== null) host.attempt(() => reveal(host.get("selection")));
  }

  function show_selection() {
    const path = host.get("selection");
    const facts = host.get("_facts").map(([name, value]) => [make("dt", {}, name), make("dd", {}, make("bdi", { class: "lgw-mono" }, value))]);
    const open = make("button", { class: "lgw-button lgw-primary", type: "button", on: { click: () => host.set({ opened: path }) } }, "Open");
    about.replaceChildren(
      ...(path === null
        ? [make("p", { class: "lgw-pale" }, "Select a session; Enter opens it. Names of columns sort.")]
        : [make("dl", { class: "lgw-ex-facts" }, facts), open]),
    );
    map.mark(path);
    list.paint();
  }

  // One of them opened

  async function show_inner() {
    const reference = host.get("explorer");
    inner.host?.dispose();
    inner.host = null;
    overview.hidden = Boolean(reference);
    inner.hidden = !reference;
    inner.replaceChildren();
    if (!reference) return list.paint();
    const back = make("button", { class: "lgw-button", type: "button", on: { click: () => host.set({ opened: null }) } }, "← All sessions");
    const place = make("div");
    inner.append(make("div", { class: "lgw-bar" }, back, make("bdi", { class: "lgw-mono" }, host.get("opened") ?? "")), place);
    const model = await host.model.widget_manager.get_model(String(reference).replace("IPY_MODEL_", ""));
    if (host.get("explorer") !== reference) return undefined;
    inner.host = new Host(model, place, "Session explorer");
    explore_view(inner.host);
    return undefined;
  }

  const ask_for = after_pause(250, () => host.attempt(() => host.set({ query: search.value })));
  listen(search, "input", ask_for);
  listen(search, "keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      list.list.focus();
      if (list.current < 0) return list.go(0);
    } else if (event.key === "Escape" && search.value) {
      search.value = "";
      host.set({ query: "" });
    }
    return undefined;
  });
  listen(clear, "click", () => {
    for (const box of Object.values(boxes)) box.value = "";
    host.set({ query: "", filters: {} });
  });
  overview.append(
    make("div", { class: "lgw-bar" }, search, hits, clear),
    make("div", { class: "lgw-co-split" }, list.list, make("div", { class: "lgw-co-side" }, map.node, about)),
  );
  host.body.append(overview, inner);
  host.endings.push(() => inner.host?.dispose());
  host.on("_columns", draw_header);
  host.on(["sort", "descending", "filters", "query"], show_order);
  host.on("_rows", show_rows);
  host.on("by", () => map.refresh());
  host.on(["selection", "_facts"], show_selection);
  host.on("selection", () => host.get("selection") !== null && host.attempt(() => reveal(host.get("selection"))));
  host.on("explorer", show_inner);
  draw_header();
  show_order();
  show_rows();
  show_selection();
  host.attempt(show_inner);
  host.attempt(() => list.refresh());
}

/** The picture of bytes: families in it, sessions in these, kinds in these. */
class ByteMap {
  constructor(host, choose) {
    Object.assign(this, { host, choose });
    this.canvas = draw_svg("svg", { class: "lgw-co-map", role: "img", preserveAspectRatio: "none" });
    this.legend = make("div", { class: "lgw-co-legend" });
    this.by = make(
      "select",
      { class: "lgw-select", aria: { label: "What the picture tells" }, on: { change: () => host.set({ by: this.by.value }) } },
      make("option", { value: "garbage" }, "live and garbage"),
      make("option", { value: "kind" }, "kinds of blobs"),
    );
    this.ground = make("div", { class: "lgw-co-ground" }, this.canvas);
    this.node = make("div", { class: "lgw-co-picture" }, this.ground, make("div", { class: "lgw-co-key" }, this.legend, this.by));
    this.frames = new Map();
  }

  refresh() {
    // What was just set here may reach Python after the question, which therefore says it.
    this.by.value = this.host.get("by");
    this.host.attempt(() => this.host.ask("picture", { by: this.host.get("by") }).then((picture) => this.draw(picture)));
  }

  draw({ width, height, pieces, borders, families, kinds }) {
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const shape = ([x, y, w, h]) => ({ x, y, width: w, height: h });
    const fills = pieces.map(([kind, ...box]) => draw_svg("rect", { class: "lgw-co-piece", data: { kind }, ...shape(box) }));
    this.frames.clear();
    const frames = borders.map(([path, name, size, ...box]) => {
      const frame = draw_svg(
        "rect",
        { class: "lgw-co-frame", data: path === null ? {} : { path }, on: path === null ? {} : { click: () => this.choose(path) }, ...shape(box) },
        draw_svg("title", {}, `${name}, ${size}`),
      );
      if (path !== null) this.frames.set(path, frame);
      return frame;
    });
    const names = borders
      .filter(([, , , , , w, h]) => w > 0.22 * width && h > 0.14 * height)
      .map(([, name, , x, y, w]) => {
        const label = make("span", { class: "lgw-co-name", aria: { hidden: true } }, make("bdi", {}, name));
        label.style.left = `${(100 * x) / width}%`;
        label.style.top = `${(100 * y) / height}%`;
        label.style.maxWidth = `${(100 * w) / width}%`;
        return label;
      });
    const outlines = families.map((box) => draw_svg("rect", { class: "lgw-co-family", ...shape(box) }));
    this.chosen = draw_svg("rect", { class: "lgw-co-chosen", width: 0, height: 0 });
    this.canvas.replaceChildren(...fills, ...outlines, ...frames, this.chosen);
    this.ground.replaceChildren(this.canvas, ...names);
    this.canvas.setAttribute("aria-label", `Bytes by session: ${kinds.map(([kind, size]) => `${kind} ${size}`).join(", ") || "none"}`);
    this.legend.replaceChildren(
      ...kinds.map(([kind, size]) =>
        make("span", { class: "lgw-co-kind" }, make("i", { class: "lgw-co-swatch", data: { kind } }), make("bdi", {}, kind), make("span", { class: "lgw-pale" }, size)),
      ),
    );
    this.mark(this.host.get("selection"));
  }

  mark(path) {
    if (!this.chosen) return;
    const frame = this.frames.get(path);
    for (const name of ["x", "y", "width", "height"]) this.chosen.setAttribute(name, frame?.getAttribute(name) ?? 0);
  }
}

export default widget("Corpus browser", corpus_view);
