// The picture of reachability on a canvas: what is drawn once, and over it what is chosen.
// Shape and filling say what colour says: squares are roots, diamonds manifests, circles blobs;
// what is alive is full, what is dead is hatched, what is missing is an empty ring.

const REACH_MOST_LINES = 1500; // more are drawn for what is chosen only
const REACH_HIGHEST = 380; // pixels of the picture
const REACH_HATCHED = 3.5; // pixels of radius from which hatching can be seen

class ReachCanvas {
  constructor(host, choose, arranged) {
    this.host = host;
    this.arranged = arranged;
    this.below = make("canvas", { class: "lgw-reach-canvas", role: "img" });
    this.above = make("canvas", { class: "lgw-reach-canvas lgw-reach-over", aria: { hidden: "true" } });
    this.tip = make("div", { class: "lgw-reach-tip", aria: { hidden: "true" } });
    this.node = make("div", { class: "lgw-reach-picture" }, this.below, this.above, this.tip);
    this.chosen = -1;
    this.passes = null;
    listen(this.above, "click", (event) => choose(this.at(event)));
    listen(this.above, "pointermove", (event) => this.hover(event));
    listen(this.above, "pointerleave", () => this.hover(null));
    const resized = new ResizeObserver(() => host.attempt(() => this.arrange()));
    resized.observe(this.node);
    const themed = new MutationObserver(() => host.attempt(() => this.draw()));
    themed.observe(host.root, { attributes: true, attributeFilter: ["data-theme"] });
    host.endings.push(() => resized.disconnect(), () => themed.disconnect());
  }

  show(data) {
    this.data = data;
    this.width = 0;
    this.arrange();
  }

  /** Which things pass the filter: a byte for each, roots first. */
  filter(passes) {
    this.passes = passes;
    this.draw();
  }

  choose(place) {
    this.chosen = place;
    this.draw_chosen();
  }

  arrange() {
    const width = this.node.clientWidth;
    if (!this.data || !width || width === this.width) return;
    this.places = reach_layout(this.data, width, REACH_HIGHEST);
    const height = Math.ceil(this.places.height);
    this.node.style.height = `${height}px`;
    [this.width, this.height] = [width, height];
    const sharp = window.devicePixelRatio || 1;
    for (const canvas of [this.below, this.above]) {
      [canvas.width, canvas.height] = [width * sharp, height * sharp];
      canvas.getContext("2d").setTransform(sharp, 0, 0, sharp, 0, 0);
    }
    this.arranged();
    this.draw();
  }

  colours() {
    const style = getComputedStyle(this.host.root);
    const colour = (name) => style.getPropertyValue(`--lgw-${name}`).trim();
    const names = ["ink", "pale", "line", "paper", "accent", "live", "dead", "bad", "tool"];
    return Object.fromEntries(names.map((name) => [name, colour(name)]));
  }

  draw() {
    if (!this.places) return;
    const pen = this.below.getContext("2d");
    pen.clearRect(0, 0, this.width, this.height);
    this.paint = this.colours();
    this.draw_heads(pen);
    const pairs = this.data.namings.length / 2;
    if (pairs <= REACH_MOST_LINES) {
      pen.globalAlpha = pairs > 300 ? 0.35 : 0.8;
      this.draw_lines(pen, Array.from({ length: pairs }, (_, at) => 2 * at), this.paint.line, 1);
      pen.globalAlpha = 1;
    }
    this.draw_marks(pen);
    this.draw_names(pen);
    this.draw_chosen();
  }

  draw_heads(pen) {
    const { data, paint } = this;
    const dead = this.places.layers.dead;
    pen.strokeStyle = paint.line;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    pen.moveTo(dead.left - 4.5, 0);
    pen.lineTo(dead.left - 4.5, this.height);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = paint.pale;
    pen.font = `600 12px ${getComputedStyle(this.host.root).fontFamily}`;
    pen.textBaseline = "middle";
    for (const layer of REACH_LAYERS) {
      const column = this.places.layers[layer];
      pen.textAlign = layer === "root" && column.named ? "right" : "left";
      const x = layer === "root" ? (column.named ? column.left + REACH_NAMED + 13 : column.left + 6) : column.left + (column.named ? 28 : 6);
      pen.fillText(reach_head(data, layer), x, 11);
    }
  }

  draw_lines(pen, pairs, colour, wide) {
    const { x, y, r } = this.places;
    const { namings, roots } = this.data;
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    pen.beginPath();
    for (const pair of pairs) {
      const from = namings[pair];
      const to = namings[pair + 1] + roots.length;
      if (from === to) continue;
      const [x0, x1] = [x[from] + r[from], x[to] - r[to]];
      const middle = (x0 + x1) / 2;
      pen.moveTo(x0, y[from]);
      pen.bezierCurveTo(middle, y[from], middle, y[to], x1, y[to]);
    }
    pen.stroke();
  }

  /** All marks, a path for each look; those that the filter leaves out are faint. */
  draw_marks(pen) {
    const looks = new Map();
    const total = this.data.roots.length + this.data.count;
    for (let place = 0; place < total; place++) {
      const look = this.passes && !this.passes[place] ? "faint" : this.look(place);
      if (!looks.has(look)) looks.set(look, new Path2D());
      this.trace(looks.get(look), place);
    }
    const { paint } = this;
    for (const [look, path] of looks) {
      pen.setLineDash(look === "missing" || look === "gone" ? [2, 2] : []);
      pen.lineWidth = 1;
      if (look === "faint") {
        pen.strokeStyle = paint.line;
        pen.stroke(path);
        continue;
      }
      if (look === "missing" || look === "gone") {
        pen.strokeStyle = look === "missing" ? paint.bad : paint.pale;
        pen.lineWidth = 1.5;
        pen.stroke(path);
        continue;
      }
      pen.fillStyle = { root: paint.tool, live: paint.live, dead: this.hatching(pen), speck: paint.dead }[look];
      pen.fill(path);
      if (look === "dead") {
        pen.strokeStyle = paint.dead;
        pen.stroke(path);
      }
    }
    pen.setLineDash([]);
  }

  look(place) {
    const at = place - this.data.roots.length;
    if (at < 0) return "root";
    const state = REACH_LOOKS[this.data.states[at]];
    return state === "dead" && this.places.r[place] < REACH_HATCHED ? "speck" : state;
  }

  trace(path, place) {
    const { x, y, r } = this.places;
    const at = place - this.data.roots.length;
    if (at < 0) {
      path.rect(x[place] - r[place], y[place] - r[place], 2 * r[place], 2 * r[place]);
    } else if (this.data.manifests[at]) {
      const far = r[place] * REACH_DIAMOND;
      path.moveTo(x[place], y[place] - far);
      path.lineTo(x[place] + far, y[place]);
      path.lineTo(x[place], y[place] + far);
      path.lineTo(x[place] - far, y[place]);
      path.closePath();
    } else {
      path.moveTo(x[place] + r[place], y[place]);
      path.arc(x[place], y[place], r[place], 0, 7);
    }
  }

  hatching(pen) {
    const tile = document.createElement("canvas");
    [tile.width, tile.height] = [6, 6];
    const brush = tile.getContext("2d");
    brush.strokeStyle = this.paint.dead;
    brush.lineWidth = 1.4;
    brush.beginPath();
    for (const shift of [-6, 0, 6]) {
      brush.moveTo(shift, 6);
      brush.lineTo(shift + 6, 0);
    }
    brush.stroke();
    return pen.createPattern(tile, "repeat");
  }

  /** What the things of short layers are called. */
  draw_names(pen, only = null) {
    const { data, paint } = this;
    const { x, y, r, layers } = this.places;
    pen.font = `11px ${getComputedStyle(this.host.root).fontFamily}`;
    pen.textBaseline = "middle";
    for (const layer of REACH_LAYERS) {
      if (!layers[layer].named) continue;
      const is_root = layer === "root";
      pen.textAlign = is_root ? "right" : "left";
      for (const place of data.layers[layer]) {
        if (only && !only.has(place)) continue;
        const faint = this.passes && !this.passes[place];
        const far = r[place] * REACH_DIAMOND + 5;
        const at = is_root ? x[place] - far : x[place] + far;
        const room = is_root ? REACH_NAMED - 8 : layers[layer].right - at - 9;
        const text = reach_cut(pen, reach_label(data, place), room);
        pen.fillStyle = paint.paper;
        pen.globalAlpha = only ? 0.9 : 0.75;
        const wide = pen.measureText(text).width;
        pen.fillRect(is_root ? at - wide - 1 : at - 1, y[place] - 7, wide + 2, 14);
        pen.globalAlpha = 1;
        pen.fillStyle = faint ? paint.pale : paint.ink;
        pen.fillText(text, at, y[place]);
      }
    }
  }

  draw_chosen() {
    if (!this.places) return;
    const pen = this.above.getContext("2d");
    pen.clearRect(0, 0, this.width, this.height);
    const { x, y, r } = this.places;
    const place = this.chosen;
    if (place < 0) return;
    const pairs = this.data.chains(place);
    this.draw_lines(pen, pairs, this.paint.accent, 2);
    const { namings, roots } = this.data;
    this.draw_names(pen, new Set(pairs.flatMap((pair) => [namings[pair], namings[pair + 1] + roots.length])));
    for (const [far, colour, wide] of [[5, this.paint.paper, 4], [5, this.paint.ink, 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide;
      pen.beginPath();
      pen.arc(x[place], y[place], r[place] + far, 0, 7);
      pen.stroke();
    }
  }

  /** The thing under the pointer, or the nearest within a few pixels; -1 if there is none. */
  at(event) {
    if (!this.places) return -1;
    const box = this.above.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const { x, y, r } = this.places;
    let [best, least] = [-1, 5];
    for (let place = 0; place < x.length; place++) {
      const [dx, dy] = [x[place] - px, y[place] - py];
      if (Math.abs(dx) > 40 || Math.abs(dy) > 40) continue;
      const far = Math.hypot(dx, dy) - r[place] + (this.passes && !this.passes[place] ? 3 : 0);
      if (far < least) [best, least] = [place, far];
    }
    return best;
  }

  hover(event) {
    const place = event ? this.at(event) : -1;
    if (place === this.hovered) return;
    this.hovered = place;
    this.above.style.cursor = place >= 0 ? "pointer" : "default";
    this.tip.textContent = place >= 0 ? reach_label(this.data, place) : "";
    if (place < 0) return;
    const { x, y, r } = this.places;
    const left = x[place] > this.width - 230;
    this.tip.style.left = left ? "" : `${x[place] + r[place] + 10}px`;
    this.tip.style.right = left ? `${this.width - x[place] + r[place] + 10}px` : "";
    this.tip.style.top = `${Math.max(0, y[place] - 12)}px`;
  }
}

/** How many things a layer has, and their bytes. */
function reach_head(data, layer) {
  const places = data.layers[layer];
  const count = places.length.toLocaleString("en");
  const one = { root: "root", manifest: "manifest", blob: "blob", dead: "dead blob" }[layer];
  const name = `${places.length ? count : "no"} ${one}${places.length === 1 ? "" : "s"}`;
  return layer === "root" || !places.length ? name : `${name} · ${bytes_text(places.reduce((sum, place) => sum + data.weight(place), 0))}`;
}

/** What a thing is, in a few words. */
function reach_label(data, place) {
  const at = place - data.roots.length;
  if (at < 0) return data.roots[place].key;
  const kind = data.kind_names[data.kinds[at]];
  const size = data.states[at] % 2 ? "" : ` ${bytes_text(data.sizes[at])}`;
  return `${data.key(at).slice(0, 8)} ${REACH_KINDS[kind] ?? kind}${size}`;
}

const REACH_KINDS = {
  CheckpointManifest: "manifest",
  ToolState: "tools",
  PluginSessionSnapshot: "plugins",
  ExecutionStateSnapshot: "execution",
  LashlangModule: "module",
  GenericBlob: "generic",
};

/** A text that is no wider than so many pixels. */
function reach_cut(pen, text, wide) {
  if (pen.measureText(text).width <= wide) return text;
  let kept = [...text].slice(0, 60);
  while (kept.length > 1 && pen.measureText(`${kept.join("")}…`).width > wide) kept = kept.slice(0, -1);
  return `${kept.join("")}…`;
}
