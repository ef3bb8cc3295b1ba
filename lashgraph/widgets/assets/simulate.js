// The simulation of a collection: controls on the left, what they come to on the right, and below
// what would be deleted. Python computes; here is only asked and shown.

const SIM_PATIENCE = 300; // milliseconds before a plan that is computed is spoken of
const SIM_BUDGETS = [
  ["", "no budget"],
  ["free_bytes", "free at least"],
  ["max_file_bytes", "file of at most"],
];
const SIM_POLICIES = {
  safe: "keeps what anything alive names, and refuses where damage could hide a root",
  runtime: "keeps exactly what lash keeps",
};

class SimView {
  constructor(host) {
    this.host = host;
    this.line = new SimLine(host, (turns) => host.set({ keep_turns: turns }));
    this.figures = make("div", { class: "lgw-sim-plan", role: "status" });
    this.file = make("dl", { class: "lgw-sim-file" });
    this.alarms = make("div", { class: "lgw-sim-alarms" });
    this.table = make("div", { class: "lgw-sim-doomed" });
    this.progress = make("p", { class: "lgw-sim-planning", role: "status" });
    this.controls = new SimControls(host);
    this.right = make("div", { class: "lgw-sim-right" }, this.progress, this.figures, this.line.node, this.file);
    this.sweep = new SimSweep(host);
    host.body.append(
      make("div", { class: "lgw-sim-above" }, this.controls.node, this.right),
      this.alarms,
      this.table,
      this.sweep.node,
    );
    host.on(["_shown", "_offered"], () => this.show());
    host.on("_later", () => this.show_later());
    host.on("accept_unusual", () => this.show_alarms());
    const tick = setInterval(() => this.show_progress(), 500);
    host.endings.push(() => clearInterval(tick));
    this.show();
    this.show_later();
  }

  show() {
    const shown = this.host.get("_shown");
    this.right.setAttribute("aria-busy", String(shown.state === "planning"));
    this.right.dataset.state = this.table.dataset.state = shown.state ?? "";
    if (shown.state !== "planning") this.began = undefined;
    else this.began ??= Date.now();
    this.show_progress();
    if (shown.state === "planning") return void setTimeout(() => this.show_progress(), SIM_PATIENCE + 20);
    if (shown.state === "refused") {
      replace(this.figures, [
        make("h4", { class: "lgw-sim-bad" }, shown.title),
        make("p", {}, shown.message),
        make("ul", {}, shown.findings.map((one) => make("li", {}, one))),
      ]);
      this.table.replaceChildren();
    } else if (shown.figures) {
      this.figures.replaceChildren(...[make("p", { class: "lgw-sim-sentence" }, shown.sentence), ...sim_figures(shown)]);
      const columns = this.host.get("_offered").columns;
      const label = columns[0] === "file" ? "Files" : "Blobs to delete, the largest first";
      this.table.replaceChildren(...(shown.rows.length ? sim_table(label, columns, shown.rows, shown.left_out) : []).filter(Boolean));
    }
    this.show_alarms();
    this.show_later();
  }

  show_progress() {
    const since = this.began === undefined ? 0 : Date.now() - this.began;
    const seconds = Math.floor(since / 1000);
    const text = since < SIM_PATIENCE ? "" : `Computing the plan${seconds ? `, ${seconds} s so far` : ""} …`;
    if (this.progress.textContent !== text) this.progress.textContent = text;
  }

  show_alarms() {
    const { alarms = [], state } = this.host.get("_shown");
    if (state === "planning") return;
    if (!alarms.length || state === "refused") return void this.alarms.replaceChildren();
    const id = `${this.host.id}-accept`;
    const accept = make("input", { type: "checkbox", id, on: { change: () => this.host.set({ accept_unusual: accept.checked }) } });
    accept.checked = this.host.get("accept_unusual");
    this.alarms.replaceChildren(
      make("h4", {}, "Unusual"),
      make("ul", {}, alarms.map((one) => make("li", {}, one))),
      make("div", { class: "lgw-sim-check" }, accept, make("label", { for: id }, "I have read this. Let it be swept all the same.")),
    );
  }

  show_later() {
    const { retention = [], file = [], problem } = this.host.get("_later");
    const shown = this.host.get("_shown");
    if (shown.state === "planning") return;
    this.line.show(shown.state === "refused" ? [] : retention, shown.keep_turns ?? 0);
    const facts = problem ? [...file, ["not known", problem]] : file;
    this.file.replaceChildren(...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  }
}

/** What a user turns. */
class SimControls {
  constructor(host) {
    this.host = host;
    const { id } = host;
    this.title = make("p", { class: "lgw-sim-title lgw-mono" });
    this.policies = Object.entries(SIM_POLICIES).map(([name, text]) => {
      const input = make("input", { type: "radio", name: `${id}-policy`, id: `${id}-${name}`, value: name, on: { change: () => input.checked && host.set({ policy: name }) } });
      return { name, input, node: make("div", { class: "lgw-sim-check", title: text }, input, make("label", { for: input.id }, name, make("small", { class: "lgw-pale" }, ` ${text}`))) };
    });
    const turn = after_pause(120, (value) => host.set({ keep_turns: value }));
    const turned = (input) => {
      const value = Math.trunc(Number(input.value));
      const is_wrong = !input.value || !(value >= 0);
      input.setAttribute("aria-invalid", String(is_wrong));
      if (is_wrong) return;
      for (const other of [this.slider, this.turns]) if (other !== input) other.value = value;
      turn(value);
    };
    this.slider = make("input", { type: "range", min: "0", step: "1", class: "lgw-sim-slider", aria: { label: "Turns to keep" }, on: { input: () => turned(this.slider) } });
    this.turns = make("input", { type: "number", min: "0", step: "1", class: "lgw-input lgw-sim-number", id: `${id}-turns`, on: { input: () => turned(this.turns) } });
    this.kind = make("select", { class: "lgw-select", aria: { label: "Budget" }, on: { change: () => this.set_budget() } }, SIM_BUDGETS.map(([name, text]) => make("option", { value: name }, text)));
    this.size = make("input", { type: "text", class: "lgw-input lgw-sim-size", placeholder: "10 MB", spellcheck: "false", aria: { label: "Bytes of the budget, such as 10 MB" }, on: { input: after_pause(400, () => this.set_budget()), change: () => this.set_budget() } });
    this.wrong = make("small", { class: "lgw-sim-bad", role: "status" });
    this.refs = make("datalist", { id: `${id}-refs` });
    this.keep = new SimRefs(host, "keep", "Keep too");
    this.drop = new SimRefs(host, "drop", "Drop");
    const section = (name, ...content) => make("fieldset", { class: "lgw-sim-set" }, make("legend", {}, name), content);
    this.node = make(
      "form",
      { class: "lgw-sim-controls", aria: { label: "What is kept" }, on: { submit: (event) => event.preventDefault() } },
      this.title,
      section("Policy", this.policies.map((one) => one.node)),
      section("Latest turns to keep", make("div", { class: "lgw-sim-turns" }, this.slider, this.turns, make("label", { class: "lgw-hidden", for: this.turns.id }, "Turns to keep"))),
      section("Budget", make("div", { class: "lgw-sim-turns" }, this.kind, this.size), this.wrong),
      section("Refs", this.keep.node, this.drop.node, this.refs),
    );
    host.on(["policy", "keep_turns", "free_bytes", "max_file_bytes", "_offered"], () => this.show());
    this.show();
  }

  show() {
    const { host } = this;
    const offered = host.get("_offered");
    this.title.textContent = offered.title;
    for (const { name, input } of this.policies) input.checked = host.get("policy") === name;
    const turns = host.get("keep_turns");
    const last = offered.turns;
    this.slider.hidden = !last;
    this.slider.max = Math.max(last ?? 0, turns);
    const active = host.root.getRootNode().activeElement;
    for (const input of [this.slider, this.turns]) if (input !== active) input.value = turns;
    const [, file] = [...this.kind.options].slice(1);
    file.hidden = file.disabled = !offered.max_file_bytes;
    const budget = SIM_BUDGETS.find(([name]) => name && host.get(name) !== null)?.[0] ?? "";
    if (budget || !this.wants_budget) {
      this.kind.value = budget;
      if (budget && bytes_of(this.size.value) !== host.get(budget)) this.size.value = String(host.get(budget));
    }
    this.size.hidden = !this.kind.value;
    if (this.of !== offered) {
      this.of = offered;
      this.refs.replaceChildren(...(offered.refs ?? []).map((ref) => make("option", { value: ref })));
    }
  }

  set_budget() {
    const name = this.kind.value;
    const count = bytes_of(this.size.value);
    this.wants_budget = Boolean(name) && !count;
    this.size.hidden = !name;
    const is_wrong = Boolean(name) && count === undefined;
    this.size.setAttribute("aria-invalid", String(is_wrong));
    this.wrong.textContent = is_wrong ? no_bytes(this.size.value) : "";
    if (is_wrong) return;
    const wanted = { free_bytes: null, max_file_bytes: null };
    if (name) wanted[name] = count;
    if (Object.entries(wanted).some(([one, value]) => this.host.get(one) !== value)) this.host.set(wanted);
  }
}

/** A set of refs: those in it as buttons that take them out, and a field that puts one in. */
class SimRefs {
  constructor(host, name, label) {
    this.host = host;
    this.name = name;
    this.input = make("input", {
      class: "lgw-input lgw-mono lgw-sim-ref", type: "text", placeholder: "turn:… artifact:…", spellcheck: "false", autocomplete: "off",
      id: `${host.id}-${name}`, on: { keydown: (event) => event.key === "Enter" && this.add() },
    });
    this.input.setAttribute("list", `${host.id}-refs`);
    this.chosen = make("div", { class: "lgw-sim-chosen" });
    this.node = make(
      "div",
      { class: "lgw-sim-refs" },
      make("label", { for: this.input.id }, label),
      this.input,
      make("button", { class: "lgw-button", type: "button", aria: { label: `${label}: add this ref` }, on: { click: () => this.add() } }, "Add"),
      this.chosen,
    );
    host.on(name, () => this.show());
    this.show();
  }

  add() {
    const ref = this.input.value.trim();
    if (!ref) return;
    this.input.value = "";
    const now = this.host.get(this.name);
    if (!now.includes(ref)) this.host.set({ [this.name]: [...now, ref] });
  }

  show() {
    const now = this.host.get(this.name);
    this.chosen.replaceChildren(
      ...now.map((ref) =>
        make(
          "button",
          {
            class: "lgw-button lgw-mono lgw-sim-chip", type: "button", title: ref, aria: { label: `Take out ${ref}` }, data: { ref },
            on: { click: () => this.host.set({ [this.name]: this.host.get(this.name).filter((one) => one !== ref) }) },
          },
          make("bdi", {}, ref),
          " ×",
        ),
      ),
    );
  }
}

export default widget("Simulation of a garbage collection", (host) => new SimView(host));
