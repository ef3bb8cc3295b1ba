// The pictures of a simulation: a bar of what stays and goes, and a line of what each number of
// turns to keep would leave.

const SIM_HIGH = 150; // pixels of the line's picture
const SIM_EDGES = { left: 64, right: 14, top: 12, bottom: 32 };

/** Before, freed and after as numbers, and as one bar. */
function sim_figures(shown) {
  const named = Object.fromEntries(shown.figures.map((one) => [one.name, one]));
  const total = Math.max(named.before.bytes, 1);
  const part = (look, bytes, text) => {
    const node = make("span", { class: `lgw-sim-part lgw-sim-${look}`, title: text });
    node.style.width = `${(100 * bytes) / total}%`;
    return bytes ? node : null;
  };
  const kept = shown.kept_by.length
    ? shown.kept_by.map((one, at) => part(`kept${at % 3}`, one.bytes, `${one.name}: ${one.text}`))
    : [part("kept0", named.after.bytes, `stays: ${named.after.text}`)];
  return [
    make(
      "dl",
      { class: "lgw-sim-figures" },
      shown.figures.map((one) =>
        make("div", { class: "lgw-sim-figure", data: { figure: one.name, bytes: one.bytes } }, make("dt", {}, one.name), make("dd", {}, one.text)),
      ),
    ),
    make("div", { class: "lgw-sim-bar", role: "img", aria: { label: shown.sentence } }, kept, part("freed", named.freed.bytes, `freed: ${named.freed.text}`)),
    make(
      "p",
      { class: "lgw-sim-keys lgw-pale" },
      shown.kept_by.map((one, at) => make("span", { class: "lgw-sim-key" }, sim_key(`kept${at % 3}`), `${one.name}: ${one.text}`)),
      make("span", { class: "lgw-sim-key" }, sim_key("freed"), `freed: ${named.freed.text}`),
    ),
  ];
}

function sim_key(look) {
  return make("span", { class: `lgw-sim-swatch lgw-sim-${look}`, aria: { hidden: "true" } });
}

/** Bytes that stay for each number of turns to keep, with the chosen number marked. */
class SimLine {
  constructor(host, choose) {
    this.host = host;
    this.choose = choose;
    this.node = make("figure", { class: "lgw-sim-line", aria: { label: "What keeping more turns costs" } });
    this.rows = [];
    const resized = new ResizeObserver(() => host.attempt(() => this.draw()));
    resized.observe(this.node);
    host.endings.push(() => resized.disconnect());
  }

  show(rows, chosen) {
    this.rows = rows;
    this.chosen = chosen;
    this.wide = 0;
    this.draw();
  }

  draw() {
    const wide = Math.floor(this.node.clientWidth);
    if (!this.rows.length || !wide || wide === this.wide) {
      if (!this.rows.length) this.node.replaceChildren();
      return;
    }
    this.wide = wide;
    const { left, right, top, bottom } = SIM_EDGES;
    const last = this.rows.length - 1;
    const most = Math.max(...this.rows.map((row) => row.kept), 1);
    const x = (turns) => left + ((wide - left - right) * turns) / Math.max(last, 1);
    const y = (bytes) => top + (SIM_HIGH - top - bottom) * (1 - bytes / most);
    const step = this.rows.map((row, at) => `${at ? `H${x(row.turns).toFixed(1)}V` : `M${x(0)} `}${y(row.kept).toFixed(1)}`).join("");
    const at = Math.min(this.chosen, last);
    const row = this.rows[at];
    const told = `keep ${row.turns}: ${bytes_text(row.kept)} stay`;
    const is_left = x(at) > wide / 2;
    const text = (content, facts) => draw_svg("text", { "font-size": 11, ...facts }, content);
    const picture = draw_svg(
      "svg",
      { width: wide, height: SIM_HIGH, role: "img", aria: { label: `Of ${last} turns, ${told}.` }, on: { click: (event) => this.click(event) } },
      draw_svg("path", { d: `${step}V${y(0)}H${x(0)}Z`, class: "lgw-sim-area" }),
      draw_svg("path", { d: step, class: "lgw-sim-step" }),
      draw_svg("path", { d: `M${x(0)} ${y(0)}H${x(last)}`, class: "lgw-sim-axis" }),
      [0, most].map((bytes) => text(bytes_text(Math.round(bytes)), { x: left - 8, y: y(bytes) + 4, "text-anchor": "end", class: "lgw-sim-tick" })),
      [...new Set([0, Math.round(last / 2), last])].map((turns) => text(String(turns), { x: x(turns), y: SIM_HIGH - bottom + 14, "text-anchor": "middle", class: "lgw-sim-tick" })),
      text("latest turns whose checkpoints are kept", { x: (left + wide - right) / 2, y: SIM_HIGH - 4, "text-anchor": "middle", class: "lgw-sim-tick" }),
      draw_svg("path", { d: `M${x(at)} ${top - 6}V${y(0)}`, class: "lgw-sim-here" }),
      draw_svg("circle", { cx: x(at), cy: y(row.kept), r: 5, class: "lgw-sim-dot", data: { turns: row.turns, bytes: row.kept } }),
      text(told, { x: x(at) + (is_left ? -9 : 9), y: Math.max(y(row.kept) - 9, 11), "text-anchor": is_left ? "end" : "start", class: "lgw-sim-told" }),
    );
    this.scale = { x, last };
    this.node.replaceChildren(picture);
  }

  click(event) {
    const at = event.clientX - this.node.getBoundingClientRect().left;
    const { x, last } = this.scale;
    const turns = Math.round(((at - x(0)) * last) / (x(last) - x(0)));
    this.choose(Math.min(Math.max(turns, 0), last));
  }
}

/** A table that scrolls, its head in sight. */
function sim_table(label, columns, rows, left_out) {
  return [
    make(
      "div",
      { class: "lgw-sim-scroll", role: "region", tabindex: "0", aria: { label } },
      make(
        "table",
        { class: "lgw-sim-table" },
        make("thead", {}, make("tr", {}, columns.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, rows.map((row) => make("tr", { data: { row: row[0] } }, row.map((cell) => make("td", {}, make("bdi", {}, cell)))))),
      ),
    ),
    left_out ? make("p", { class: "lgw-pale lgw-sim-more" }, left_out) : null,
  ];
}
