// @ts-check
// The detail's heading: which stage and which map are looked at, and the way to others.

class DetailHead {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.title = element("h2", {});
    this.text = element("code", { className: "soft" });
    this.before = this.#step("‹", "the stage before", -1);
    this.after = this.#step("›", "the next stage", 1);
    this.map = element("select", { id: "detail-map" });
    this.map.addEventListener("change", () => {
      const { selection } = model;
      if (selection) selectAt(model, selection.stage, [selection.at[0], selection.at[1], Number(this.map.value)]);
    });
    this.label = element("label", { className: "field", htmlFor: "detail-map" }, element("span", {}, "map"), this.map);
    this.count = 0;
    this.element = element(
      "div",
      { className: "panel-head" },
      element("div", { className: "row" }, this.before, this.after),
      this.title,
      this.text,
      this.label,
    );
  }

  /** @param {string} sign @param {string} label @param {number} step */
  #step(sign, label, step) {
    const button = element(
      "button",
      { type: "button", className: "button square no-print", "aria-label": label },
      sign,
    );
    button.addEventListener("click", () => {
      const { selection, shapes } = this.model;
      if (!selection) return;
      const number = selection.stage + step;
      const map = selection.at[selection.at.length - 1];
      if (shapes[number] && number > 0) selectAt(this.model, number, sameSpot(this.model, shapes[number], map));
    });
    return button;
  }

  /** Names what is looked at now. */
  update() {
    const { selection, shapes, results } = this.model;
    write(this.title, selection ? `${selection.stage} ${this.model.stages[selection.stage - 1].kind}` : "Detail");
    write(this.text, selection ? cardText(this.model, selection.stage) : "Choose a map in the overview.");
    this.before.disabled = !selection || selection.stage <= 1;
    this.after.disabled = !selection || !results[selection.stage + 1];
    const shape = selection ? shapes[selection.stage] : null;
    const count = shape?.length === 3 ? shape[2] : 0;
    this.label.hidden = count < 2;
    if (count !== this.count) {
      this.count = count;
      this.map.replaceChildren(
        ...range(count).map((map) => element("option", { value: String(map) }, `${map} of ${count}`)),
      );
    }
    if (selection && count) this.map.value = String(selection.at[2]);
  }
}
