// explore(store): the session's tree on the left, the selected node on the right.

function draw_fork() {
  return draw_svg(
    "svg",
    { class: "lgw-ex-fork", viewBox: "0 0 12 14", role: "img", aria: { label: "fork" } },
    draw_svg("title", {}, "several branches leave here"),
    draw_svg("path", { d: "M6 13V8M6 8C6 5 2.5 6 2.5 2.5M6 8C6 5 9.5 6 9.5 2.5", fill: "none", stroke: "currentColor", "stroke-width": 1.5 }),
    draw_svg("circle", { cx: 2.5, cy: 2, r: 1.6, fill: "currentColor" }),
    draw_svg("circle", { cx: 9.5, cy: 2, r: 1.6, fill: "currentColor" }),
  );
}

function draw_row(row, selected) {
  const state = [];
  if (row.leaf) state.push(make("span", { class: "lgw-ex-mark" }, "leaf"));
  if (row.open !== null && row.nodes > 1 && row.level > 1) {
    state.push(make("span", { class: "lgw-ex-count" }, `${row.nodes.toLocaleString("en")} nodes`));
  }
  const opener =
    row.open === null
      ? make("span", { class: "lgw-ex-open" })
      : make("span", { class: "lgw-ex-open lgw-row-act", aria: { hidden: true } }, row.open ? "▾" : "▸");
  return make(
    "div",
    {
      class: `lgw-row lgw-ex-row${row.path ? " lgw-ex-on-path" : ""}`,
      role: "treeitem",
      data: { node: row.id, who: row.who, level: row.level },
      aria: {
        level: row.level,
        posinset: row.number,
        setsize: row.of,
        selected: row.id === selected,
        expanded: row.open ?? undefined,
        label: [row.name, ...row.tools, row.text, row.path ? "on the path" : "", row.leaf ? "leaf" : ""]
          .filter(Boolean)
          .join(", "),
      },
    },
    Array.from({ length: Math.min(row.level - 1, 12) }, () => make("span", { class: "lgw-ex-indent" })),
    opener,
    make("span", { class: "lgw-ex-line", title: row.path ? "on the path" : "" }, make("span", { class: "lgw-ex-dot" })),
    make("span", { class: "lgw-ex-who" }, row.name),
    row.tools.map((name) => make("bdi", { class: "lgw-ex-tool" }, name)),
    make("bdi", { class: "lgw-ex-text" }, row.text),
    row.fork ? draw_fork() : null,
    state,
    make("span", { class: "lgw-ex-time" }, row.time),
  );
}

function explore_view(host) {
  const search = make("input", {
    class: "lgw-input lgw-grow",
    type: "search",
    placeholder: "Search what is said",
    spellcheck: "false",
    autocomplete: "off",
    aria: { label: "Search what is said, by whom or with which tool" },
  });
  const hits = make("span", { class: "lgw-pale lgw-ex-hits", role: "status" });
  const leaves = make("select", { class: "lgw-select lgw-ex-leaves", aria: { label: "Path to the leaf" } });
  const to_leaf = make("button", { class: "lgw-button", type: "button", title: "Go to the end of the path" }, "Leaf");
  const close_all = make("button", { class: "lgw-button", type: "button", title: "Close all branches but the path's" }, "Collapse");
  const about = make("div", { class: "lgw-ex-about" });
  const panel = make("section", { class: "lgw-ex-panel", tabindex: 0, aria: { label: "The selected node" } });

  const list = new Rows(host, {
    role: "tree",
    label: "Nodes of the session",
    height: 26,
    draw: (row) => draw_row(row, host.get("selection")),
    fetch: (first, count) => host.ask("rows", { first, count }),
    choose: (row) => select(row.id),
    typed: (text, first) => host.ask("typed", { text, first }).then((reply) => reply.row),
    key: take_key,
  });

  function select(id) {
    if (host.get("selection") !== id) host.set({ selection: id });
    list.paint();
  }

  function take_key(event, row, index) {
    if (event.key === "Toggle" || event.key === "Enter" || event.key === " ") {
      if (row.open === null) return event.key === "Enter" ? host.attempt(() => (select(row.id), true)) : undefined;
      return host.ask("toggle", { node: row.id });
    }
    if (event.key === "ArrowRight") {
      if (row.open === false) return host.ask("toggle", { node: row.id });
      return row.open ? list.go(index + 1) : true;
    }
    if (event.key === "ArrowLeft") {
      if (row.open) return host.ask("toggle", { node: row.id });
      return host.ask("outer", { node: row.id }).then((reply) => (reply.row === null ? undefined : list.go(reply.row)));
    }
    if (event.key === "Escape" && host.get("query")) {
      host.set({ query: "" });
      return true;
    }
    return undefined;
  }

  async function go_to(id, { quiet = false } = {}) {
    const { moves } = list;
    const reply = await host.ask("place", { node: id });
    if (reply.row !== null && moves === list.moves) await list.go(reply.row, { quiet, middle: true });
  }

  function show_rows() {
    const rows = host.get("_rows");
    if (rows.epoch === undefined) return;
    list.take(rows);
    if (rows.at !== null && rows.at !== undefined) list.go(rows.at, { quiet: true, middle: true });
    else if (list.current >= rows.total || rows.found) list.current = -1;
    if (rows.first === 0 && (rows.at === null || rows.at === undefined)) list.list.scrollTop = 0;
    list.paint();
    const empty = rows.total ? "" : rows.found ? "Nothing found." : "No nodes.";
    hits.textContent = rows.found && rows.total ? `${rows.total.toLocaleString("en")} found` : empty;
  }

  function show_session() {
    const session = host.get("_session");
    const leaf = host.get("leaf");
    const options = (session.leaves ?? []).map((one) =>
      make("option", { value: one.id }, `${one.id === session.head ? "● " : ""}${one.time}  ${one.text}`),
    );
    const rest = (session.leaf_count ?? 0) - options.length;
    if (rest > 0) options.push(make("option", { value: "", disabled: true }, `and ${rest.toLocaleString("en")} more leaves`));
    if (leaf === null) options.unshift(make("option", { value: "" }, "no path"));
    leaves.replaceChildren(...options);
    leaves.value = leaf ?? "";
    leaves.disabled = options.length < 2;
    to_leaf.disabled = leaf === null;
    about.replaceChildren(
      make("bdi", { class: "lgw-ex-session" }, session.session || "no session id"),
      make(
        "span",
        { class: "lgw-pale" },
        `${count(session.nodes, "node", "nodes")} · ${count(session.leaf_count, "leaf", "leaves")} · ${count(session.path_nodes, "node", "nodes")} on the path`,
      ),
    );
    show_node();
  }

  function show_node() {
    const detail = host.get("_detail");
    const parts = detail.id === undefined ? overview() : node_parts(host, detail, go_to, make_path);
    panel.replaceChildren(...parts.flat());
    if (panel.dataset.node !== (detail.id ?? "")) panel.scrollTop = 0;
    panel.dataset.node = detail.id ?? "";
  }

  function make_path(id) {
    host.set({ leaf: id });
  }

  function overview() {
    const session = host.get("_session");
    return [
      make("p", { class: "lgw-pale" }, "Select a node to read what it says."),
      make("p", { class: "lgw-pale" }, "Arrows, Home, End and Page keys move; left and right close and open branches; typing finds a row by its first letters."),
      make("p", { class: "lgw-pale lgw-mono" }, make("bdi", {}, session.file ?? "")),
      problems,
    ];
  }

  const problems = make("div");
  function show_problems({ rows, count: total, unknown }) {
    if (unknown) return problems.replaceChildren(make("p", { class: "lgw-pale" }, `Not checked: ${unknown}`));
    if (!total) return problems.replaceChildren(make("p", { class: "lgw-pale" }, "A quick check found nothing wrong."));
    const lines = rows.map((cells) => make("tr", {}, cells.map((cell) => make("td", {}, make("bdi", {}, cell)))));
    return problems.replaceChildren(
      make(
        "details",
        { class: "lgw-ex-problems", open: true },
        make("summary", {}, `${count(total, "problem", "problems")} in this store`),
        make("table", {}, make("tbody", {}, lines)),
        total > rows.length ? make("p", {}, `and ${total - rows.length} more: store.problems() has all`) : null,
      ),
    );
  }

  const ask_for = after_pause(250, () => host.attempt(() => host.set({ query: search.value })));
  listen(search, "input", ask_for);
  listen(search, "keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      list.list.focus();
      if (list.current < 0) return list.go(0);
    } else if (event.key === "Escape" && search.value) {
      search.value = "";
      host.set({ query: "" });
    }
    event.stopPropagation();
    return undefined;
  });
  listen(leaves, "change", () => leaves.value && make_path(leaves.value));
  listen(to_leaf, "click", () => go_to(host.get("leaf")));
  listen(close_all, "click", () => host.ask("collapse"));

  host.body.append(
    make("div", { class: "lgw-bar" }, search, hits, leaves, to_leaf, close_all),
    make("div", { class: "lgw-ex-split" }, make("div", { class: "lgw-ex-left" }, list.list, about), panel),
  );
  host.on("_rows", show_rows);
  host.on(["_session", "leaf"], show_session);
  host.on("_detail", show_node);
  host.on("selection", () => {
    list.paint();
    const id = host.get("selection");
    if (id !== null && list.known.get(list.current)?.id !== id) return go_to(id, { quiet: true });
    return undefined;
  });
  host.on("query", () => {
    if (search.value.trim() !== host.get("query").trim()) search.value = host.get("query");
  });
  host.receive("msg:custom", (content) => content.changed && list.change(content.changed));
  search.value = host.get("query");
  show_rows();
  show_session();
  host.attempt(() => list.refresh());
  host.attempt(() => host.ask("problems").then(show_problems));
}

function count(number, one, many) {
  return `${(number ?? 0).toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** The parts of the panel about one node. */
function node_parts(host, detail, go_to, make_path) {
  const act = (text, work) => make("button", { class: "lgw-button", type: "button", on: { click: work } }, text);
  const json = make("div");
  async function show_json() {
    const reply = await host.ask("json", { node: detail.id });
    json.replaceChildren(
      make("h4", {}, reply.stored ? "JSON in the file" : "JSON as it was read; the file is not to be read now"),
      make("pre", { class: "lgw-ex-json", tabindex: 0 }, reply.json),
    );
  }
  const facts = detail.facts.map(([name, value]) => [
    make("dt", {}, name),
    make("dd", {}, make("bdi", { class: "lgw-mono" }, value)),
  ]);
  return [
    make(
      "header",
      { class: "lgw-ex-head", data: { who: detail.who } },
      make("span", { class: "lgw-ex-dot" }),
      make("h3", {}, make("bdi", {}, detail.title)),
      make("span", { class: "lgw-ex-actions" },
        detail.parent === null ? null : act("Parent", () => go_to(detail.parent)),
        detail.id === host.get("leaf") ? null : act("Path to here", () => make_path(detail.id)),
        act("JSON", show_json)),
    ),
    detail.pieces.map((piece, number) => draw_piece(host, detail.id, piece, number, go_to)),
    make("dl", { class: "lgw-ex-facts" }, facts),
    json,
  ];
}

function draw_piece(host, node, piece, number, go_to) {
  const text = piece.plain
    ? make("div", { class: "lgw-ex-said", dir: "auto" }, piece.text)
    : make("pre", { class: "lgw-ex-pre", dir: "auto" }, piece.text);
  const body = [piece.text ? text : null];
  if (piece.cut) {
    const more = make(
      "button",
      { class: "lgw-button", type: "button", on: { click: async () => {
        text.textContent = (await host.ask("text", { node, piece: number })).text;
        more.remove();
      } } },
      `Show all ${piece.length.toLocaleString("en")} characters`,
    );
    body.push(more);
  }
  const label = make("bdi", {}, piece.label);
  const jump = piece.other
    ? make("button", { class: "lgw-button lgw-ex-jump", type: "button", on: { click: () => go_to(piece.other) } }, "Go there")
    : null;
  const kind = { class: `lgw-ex-piece${piece.other ? " lgw-ex-other" : ""}` };
  if (piece.plain) return make("div", kind, body);
  if (piece.aside) return make("details", kind, make("summary", {}, label), body);
  return make("div", kind, make("h4", {}, label, " ", jump), body);
}
