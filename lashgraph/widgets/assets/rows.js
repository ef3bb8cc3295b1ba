// Rows of which only those in sight are in the page. Python knows them all; here are those that were
// fetched. The keyboard's focus stays on the list, `aria-activedescendant` names the row.

const SPARE = 12; // rows drawn beyond the edges
const PAGE = 120; // rows fetched at once
const KEPT = 3000; // rows kept before far ones are forgotten

class Rows {
  /**
   * @param host the view's host
   * @param facts role, label and height of a row in pixels; `header` stays in sight above the rows;
   *   `draw(row, index)` makes an element;
   *   `fetch(first, count)` promises {epoch, total, first, rows}; `choose(row, index)` is called
   *   when a row becomes the current one; `key(event, row, index)` may take a key and return true
   */
  constructor(host, { role, label, height, header, draw, fetch, choose, key, typed }) {
    Object.assign(this, { host, height, draw, fetch, choose, key, typed });
    this.known = new Map();
    this.total = 0;
    this.epoch = -1;
    this.current = -1;
    this.moves = 0; // of the user: what was asked before the latest of them moves nothing
    this.asked = new Set();
    this.word = "";
    this.header = header;
    this.space = make("div", { class: "lgw-rows-space", role: header ? "rowgroup" : "presentation" });
    this.list = make("div", { class: "lgw-rows", role, tabindex: 0, aria: { label } }, header, this.space);
    this.host.endings.push(() => this.sizes.disconnect());
    this.sizes = new ResizeObserver(() => this.paint());
    this.sizes.observe(this.list);
    listen(this.list, "scroll", () => this.paint(), { passive: true });
    listen(this.list, "keydown", (event) => this.press(event));
    listen(this.list, "mousedown", (event) => this.click(event));
  }

  /** Take a window of rows: of a new epoch it replaces all that was known. */
  take({ epoch, total, first, rows }) {
    if (epoch < this.epoch) return;
    if (epoch !== this.epoch) {
      this.known.clear();
      this.asked.clear();
      this.epoch = epoch;
    }
    this.total = total;
    rows.forEach((row, number) => this.known.set(first + number, row));
    this.paint();
  }

  /** Rows went and came after one: `first` is that row, `rows` begins with it. */
  change({ epoch, total, first, rows, gone, came }) {
    if (epoch !== this.epoch + 1) return void this.refresh();
    const moved = new Map();
    for (const [index, row] of this.known) {
      if (index < first) moved.set(index, row);
      else if (index > first + gone) moved.set(index - gone + came, row);
    }
    this.known = moved;
    this.asked.clear();
    if (this.current > first + gone) this.current += came - gone;
    else if (this.current > first) this.current = first;
    this.epoch = epoch;
    this.take({ epoch, total, first, rows });
  }

  /** Fetch what is in sight anew. */
  refresh() {
    const [first] = this.in_sight();
    return this.fetch(Math.max(first - SPARE, 0), PAGE).then((window) => this.take(window));
  }

  /** Pixels in which rows are seen. */
  high() {
    return this.list.clientHeight - (this.header?.offsetHeight ?? 0);
  }

  in_sight() {
    const first = Math.floor(this.list.scrollTop / this.height);
    return [first, Math.min(first + Math.ceil(this.high() / this.height) + 1, this.total)];
  }

  paint() {
    const [top, bottom] = this.in_sight();
    const first = Math.max(top - SPARE, 0);
    const last = Math.min(bottom + SPARE, this.total);
    this.space.style.height = `${this.total * this.height}px`;
    const drawn = [];
    let missing = -1;
    for (let index = first; index < last; index++) {
      const row = this.known.get(index);
      if (row === undefined && missing < 0) missing = index;
      const node = row === undefined ? make("div", { class: "lgw-row lgw-row-waits", role: "presentation" }) : this.draw(row, index);
      node.id = this.row_id(index);
      node.dataset.index = index;
      node.style.top = `${index * this.height}px`;
      node.style.height = `${this.height}px`;
      if (index === this.current) node.classList.add("lgw-row-current");
      drawn.push(node);
    }
    this.space.replaceChildren(...drawn);
    const shown = this.current >= first && this.current < last;
    if (shown) this.list.setAttribute("aria-activedescendant", this.row_id(this.current));
    else this.list.removeAttribute("aria-activedescendant");
    if (missing >= 0) this.want(Math.max(missing - SPARE, 0));
  }

  row_id(index) {
    return `${this.host.id}-row-${index}`;
  }

  want(first) {
    const mark = `${this.epoch}:${Math.floor(first / (PAGE / 2))}`;
    if (this.asked.has(mark)) return;
    this.asked.add(mark);
    this.forget();
    const done = (window) => {
      this.asked.delete(mark);
      if (window) this.take(window);
    };
    this.host.attempt(() =>
      this.fetch(first, PAGE).then(done, (error) => {
        done();
        throw error;
      }),
    );
  }

  forget() {
    if (this.known.size < KEPT) return;
    const [top] = this.in_sight();
    for (const index of [...this.known.keys()]) {
      if (Math.abs(index - top) > KEPT / 3) this.known.delete(index);
    }
  }

  /** Make a row the current one, in sight; it is chosen when it is known. */
  async go(index, { quiet = false, middle = false } = {}) {
    if (!this.total) return;
    if (!quiet) this.moves++;
    this.current = Math.min(Math.max(index, 0), this.total - 1);
    this.reveal(this.current, middle);
    this.paint();
    if (quiet) return;
    const at = this.current;
    if (!this.known.has(at)) this.take(await this.fetch(Math.max(at - PAGE / 2, 0), PAGE));
    if (this.current === at && this.known.has(at)) this.choose(this.known.get(at), at);
  }

  reveal(index, middle) {
    const { scrollTop } = this.list;
    const high = this.high();
    const top = index * this.height;
    if (top >= scrollTop && top + this.height <= scrollTop + high) return;
    if (middle || Math.abs(top - scrollTop) > 2 * high) this.list.scrollTop = top - high / 2;
    else this.list.scrollTop = top < scrollTop ? top : top + this.height - high;
  }

  click(event) {
    const node = event.target.closest(".lgw-row");
    if (!node || event.button !== 0) return undefined;
    const index = Number(node.dataset.index);
    const row = this.known.get(index);
    if (row === undefined) return undefined;
    if (event.target.closest(".lgw-row-act")) {
      event.preventDefault();
      this.list.focus({ preventScroll: true });
      this.current = index;
      return this.key({ key: "Toggle", target: event.target }, row, index);
    }
    if (event.detail === 2) return this.key({ key: "Enter", target: event.target }, row, index);
    return this.go(index);
  }

  press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== this.list) return undefined;
    const row = this.known.get(this.current);
    const page = Math.max(Math.floor(this.high() / this.height) - 1, 1);
    const ways = {
      ArrowDown: this.current + 1,
      ArrowUp: this.current < 0 ? this.total - 1 : this.current - 1,
      Home: 0,
      End: this.total - 1,
      PageDown: this.current + page,
      PageUp: this.current - page,
    };
    event.stopPropagation();
    if (event.key in ways) {
      event.preventDefault();
      return this.go(ways[event.key]);
    }
    const taken = row === undefined ? undefined : this.key(event, row, this.current);
    if (taken) {
      event.preventDefault();
      return taken;
    }
    if (this.typed && event.key.length === 1 && (event.key !== " " || this.word)) {
      event.preventDefault();
      return this.type(event.key);
    }
    return undefined;
  }

  /** Letters typed one after the other are the beginning of a row. */
  async type(letter) {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => (this.word = ""), 900);
    const first = this.word ? this.current : this.current + 1;
    this.word += letter;
    const word = this.word;
    const index = await this.typed(word, Math.max(first, 0));
    if (index !== null && word === this.word) await this.go(index);
  }
}
