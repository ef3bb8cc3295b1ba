// The sweep of a plan, step by step: asked for, looked at, confirmed by typing, run, reported.

class SimSweep {
  constructor(host) {
    this.host = host;
    this.node = make("section", { class: "lgw-sim-sweep", aria: { label: "Sweep" } });
    host.on("_sweep", () => this.show());
    host.on(["accept_unusual", "no_backup", "compact", "backup"], () => this.follow());
    this.show();
  }

  get state() {
    return this.host.get("_sweep");
  }

  show() {
    const { step } = this.state;
    if (step === this.step && step === "review") return; // what is being typed stays
    const had_focus = this.node.contains(this.host.root.getRootNode().activeElement);
    const before = this.step;
    this.step = step;
    this.node.dataset.step = step;
    this.node.replaceChildren(...this[`draw_${step}`]());
    this.follow();
    if (step === "review") this.typed.focus();
    else if (had_focus && before !== step) this.node.querySelector("button:not(:disabled)")?.focus();
  }

  button(text, ask, facts = {}) {
    return make("button", { class: "lgw-button", type: "button", ...facts, on: { click: () => this.host.ask(ask) } }, text);
  }

  draw_idle() {
    const why_not = this.state.why_not;
    const id = `${this.host.id}-why-not`;
    return [
      this.button("Sweep …", "review", { disabled: Boolean(why_not), aria: { describedby: id } }),
      make("span", { class: "lgw-pale lgw-sim-why-not", id }, why_not ? `Not now: ${why_not}.` : "Shows the plan once more and asks before anything is deleted."),
    ];
  }

  draw_checking() {
    return [make("p", { role: "status" }, "Looking whether the store is still as it was planned …")];
  }

  draw_review() {
    const { id } = this.host;
    const { word, sentence } = this.state;
    const field = (name, label, type, facts = {}) => {
      const input = make("input", { class: type === "text" ? "lgw-input" : "", id: `${id}-${name}`, type, name, spellcheck: "false", autocomplete: "off", ...facts });
      return [input, make("label", { for: `${id}-${name}` }, label)];
    };
    const [backup, backup_label] = field("backup", "Folder for the backup", "text", {
      placeholder: "backups", on: { input: () => this.host.set({ backup: backup.value }) },
    });
    const [none, none_label] = field("no-backup", "I want no backup: this cannot be undone", "checkbox", {
      on: { change: () => this.host.set({ no_backup: none.checked }) },
    });
    const [compact, compact_label] = field("compact", "Write the file anew afterwards, so that it shrinks", "checkbox", {
      on: { change: () => this.host.set({ compact: compact.checked }) },
    });
    const [typed, typed_label] = field("typed", ["To confirm, type ", make("b", { class: "lgw-mono lgw-sim-word" }, word)], "text", {
      on: { input: () => this.follow(), keydown: (event) => event.key === "Enter" && this.confirm() },
    });
    Object.assign(this, { backup, none, compact, typed });
    this.refused = make("p", { class: "lgw-sim-refused", role: "alert" });
    this.go = make("button", { class: "lgw-button lgw-sim-go", type: "button", on: { click: () => this.confirm() } }, "Sweep now");
    return [
      make("h4", {}, "Sweep this plan?"),
      make("p", {}, `It ${sentence}. Exactly this is deleted, or nothing.`),
      make("div", { class: "lgw-sim-field" }, backup_label, backup),
      make("div", { class: "lgw-sim-check" }, none, none_label),
      make("div", { class: "lgw-sim-check" }, compact, compact_label),
      make("div", { class: "lgw-sim-field" }, typed_label, typed),
      this.refused,
      make("div", { class: "lgw-sim-buttons" }, this.go, this.button("Cancel", "close")),
    ];
  }

  follow() {
    if (this.step !== "review") return;
    const { host } = this;
    if (this.backup.value !== host.get("backup")) this.backup.value = host.get("backup");
    this.none.checked = host.get("no_backup");
    this.backup.disabled = this.none.checked;
    this.compact.checked = host.get("compact");
    const is_safe = this.none.checked || host.get("backup").trim();
    this.go.disabled = this.typed.value.trim() !== this.state.word || !is_safe;
  }

  async confirm() {
    const told = await this.host.ask("sweep", { typed: this.typed.value.trim() });
    this.refused.textContent = told.refused ?? "";
  }

  draw_sweeping() {
    return [make("p", { role: "status" }, "Sweeping: backing up, deleting, verifying …"), make("div", { class: "lgw-sim-progress" })];
  }

  draw_done() {
    return [make("h4", {}, "Swept and verified"), ...this.outcome()];
  }

  draw_failed() {
    return [make("h4", { class: "lgw-sim-bad" }, this.state.facts ? "Swept, but not to the end" : "Not swept"), ...this.outcome()];
  }

  draw_stale() {
    return [
      make("h4", { class: "lgw-sim-bad" }, "The plan is stale"),
      make("p", { role: "alert" }, this.state.message),
      make("div", { class: "lgw-sim-buttons" }, this.button("Plan anew", "again"), this.button("Close", "close")),
    ];
  }

  outcome() {
    const { message, facts = [], rows = [] } = this.state;
    return [
      ...(message ? [make("p", { role: "alert" }, message)] : []),
      make("dl", { class: "lgw-sim-report", role: "status" }, facts.map(([name, value]) => [make("dt", {}, name), make("dd", {}, make("bdi", {}, value))])),
      ...(rows.length ? sim_table("Files of the sweep", ["file", "outcome", "reason", "message"], rows, "") : []).filter(Boolean),
      make("div", { class: "lgw-sim-buttons" }, this.button("Close", "close")),
    ];
  }
}
