// Where things stand in the picture of reachability: four layers side by side, each a list with
// names if it is short, else packed in shelves. Areas are bytes, by one scale for all layers.

const REACH_LAYERS = ["root", "manifest", "blob", "dead"];
const REACH_ROW = 18; // pixels of a row with a name
const REACH_TOP = 26; // pixels for the heads of the layers
const REACH_LARGEST = 18; // pixels of the largest radius
const REACH_DIAMOND = 1.2533; // how far a diamond reaches whose area is that of a circle of radius 1
const REACH_SMALLEST = 1.6;
const REACH_NAMED = 150; // pixels for names beside the marks of a short layer

/** The picture's data as it comes from Python, with arrays to read it by. */
class ReachData {
  constructor(given) {
    const view = (name, Kind) => {
      const { buffer, byteOffset, byteLength } = given[name];
      return new Kind(buffer.slice(byteOffset, byteOffset + byteLength)); // aligned anew
    };
    this.bytes = view("hashes", Uint8Array);
    this.sizes = view("sizes", Float64Array);
    this.states = view("states", Uint8Array);
    this.kinds = view("kinds", Uint8Array);
    this.manifests = view("manifests", Uint8Array);
    this.namings = view("namings", Int32Array);
    this.odd = new Map(Object.entries(given.odd).map(([at, key]) => [Number(at), key]));
    this.roots = given.roots;
    this.kind_names = given.kind_names;
    this.count = this.sizes.length;
    this.layers = { root: [], manifest: [], blob: [], dead: [] };
    this.roots.forEach((_, at) => this.layers.root.push(at));
    for (let at = 0; at < this.count; at++) {
      this.layers[this.is_kept(at) ? (this.manifests[at] ? "manifest" : "blob") : "dead"].push(this.roots.length + at);
    }
    this.places = new Map(this.roots.map(({ key }, at) => [key, at]));
  }

  /** Whether a root leads to a blob: live, or needed and not there. */
  is_kept(at) {
    return this.states[at] < 2;
  }

  key(at) {
    const odd = this.odd.get(at);
    if (odd !== undefined) return odd;
    let text = "";
    for (const byte of this.bytes.subarray(at * 32, at * 32 + 32)) text += byte.toString(16).padStart(2, "0");
    return text;
  }

  /** The key of a thing by its place: the roots come first, then the blobs. */
  name(place) {
    return place < this.roots.length ? this.roots[place].key : this.key(place - this.roots.length);
  }

  /** The place of a root or blob by its key; -1 if there is none. */
  place(key) {
    if (!key) return -1;
    const root = this.places.get(key);
    if (root !== undefined) return root;
    this.hash_places ??= new Map(Array.from({ length: this.count }, (_, at) => [this.key(at), this.roots.length + at]));
    return this.hash_places.get(key) ?? -1;
  }

  /** Bytes of a thing: of a root, what it reaches. */
  weight(place) {
    return place < this.roots.length ? this.roots[place].bytes : this.sizes[place - this.roots.length];
  }

  /** All namings that lead to a place from roots, and those that go out from it. */
  chains(place) {
    const found = new Set();
    const follow = (at, lists, end) => {
      for (const pair of lists.get(at) ?? []) {
        if (found.has(pair)) continue;
        found.add(pair);
        follow(end(pair), lists, end);
      }
    };
    this.connect();
    follow(place, this.incoming, (pair) => this.namings[pair]);
    follow(place, this.outgoing, (pair) => this.namings[pair + 1] + this.roots.length);
    return [...found];
  }

  /** Lists of namings by the place that names and by the place that is named. */
  connect() {
    if (this.incoming) return;
    [this.incoming, this.outgoing] = [new Map(), new Map()];
    const add = (lists, place, pair) => (lists.get(place) ?? lists.set(place, []).get(place)).push(pair);
    for (let pair = 0; pair < this.namings.length; pair += 2) {
      add(this.outgoing, this.namings[pair], pair);
      add(this.incoming, this.namings[pair + 1] + this.roots.length, pair);
    }
  }
}

/** Places and radii of all things, and the height that they take, at most `height`. */
function reach_layout(data, width, height) {
  const total = data.roots.length + data.count;
  const made = { x: new Float32Array(total), y: new Float32Array(total), r: new Float32Array(total), layers: {}, scale: 0 };
  const order = {};
  for (const layer of REACH_LAYERS) {
    order[layer] = [...data.layers[layer]].sort((a, b) => data.weight(b) - data.weight(a) || a - b);
  }
  const room = height - REACH_TOP - 6;
  const columns = reach_columns(order, width, room);
  const largest = Math.max(1, data.sizes.reduce((most, one) => Math.max(most, one), 0));
  const fits = (scale, smallest) =>
    REACH_LAYERS.every((layer) => reach_fill(data, order[layer], layer, columns[layer], scale, smallest, null) <= room);
  let smallest = REACH_SMALLEST * 2;
  while (smallest > 0.4 && !fits(0, smallest)) smallest *= 0.8;
  let low = 0;
  let high = REACH_LARGEST / Math.sqrt(largest);
  for (let turn = 0; turn < 14 && !fits(high, smallest); turn++) {
    const middle = (low + high) / 2;
    if (fits(middle, smallest)) low = middle;
    else high = middle;
    if (turn === 13) high = low;
  }
  made.scale = high;
  made.height = 90;
  for (const layer of REACH_LAYERS) {
    made.layers[layer] = columns[layer];
    const reached = reach_fill(data, order[layer], layer, columns[layer], high, smallest, made);
    made.height = Math.max(made.height, REACH_TOP + reached + 6);
  }
  return made;
}

/** Left and right of each layer: short ones take what their names need, long ones share the rest. */
function reach_columns(order, width, room) {
  const columns = {};
  let left = width;
  let weights = 0;
  const weight = (layer) => Math.sqrt(order[layer].length);
  for (const layer of REACH_LAYERS) {
    const count = order[layer].length;
    const named = count * REACH_ROW <= room;
    columns[layer] = { named, count };
    if (named) left -= columns[layer].wide = Math.min(REACH_NAMED + 44, width / 4 - 2);
    else weights += weight(layer);
  }
  const gap = weights ? 0 : left / REACH_LAYERS.length;
  let x = 0;
  for (const layer of REACH_LAYERS) {
    const column = columns[layer];
    column.left = x;
    const wide = column.named ? column.wide + gap : (left * weight(layer)) / weights;
    column.right = x + wide;
    x = column.right;
  }
  return columns;
}

/** Place the things of a layer, or only tell how far down they reach. */
function reach_fill(data, places, layer, column, scale, smallest, made) {
  const reach = (place, r) => r * (place >= data.roots.length && data.manifests[place - data.roots.length] ? REACH_DIAMOND : 1);
  const radius = (place) =>
    layer === "root" ? (column.named ? 4.5 : Math.max(smallest, 2)) : Math.max(smallest, scale * Math.sqrt(data.weight(place)));
  const set = (place, x, y, r) => {
    made.x[place] = x;
    made.y[place] = y + REACH_TOP;
    made.r[place] = r;
  };
  if (column.named) {
    let y = 0;
    const x = layer === "root" ? column.left + REACH_NAMED + 8 : column.left + 36;
    for (const place of places) {
      const r = radius(place);
      const row = Math.max(REACH_ROW, 2 * reach(place, r) + 4);
      if (made) set(place, x, y + row / 2, r);
      y += row;
    }
    return y;
  }
  const right = column.right - 14;
  let [x, y, shelf] = [column.left + 6, 0, 0];
  for (const place of places) {
    const r = radius(place);
    const half = reach(place, r);
    const wide = 2 * half + Math.min(2, r * 0.6);
    if (x + wide > right && x > column.left + 6) [x, y, shelf] = [column.left + 6, y + shelf, 0];
    shelf = Math.max(shelf, wide);
    if (made) set(place, x + half, y + half, r);
    x += wide;
  }
  return y + shelf;
}
