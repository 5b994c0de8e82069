// @ts-check
// The gradient of one weight, the sum of each delta times what the weight met, and the weight after a step.

/** What the axes of weights count, by how many there are; of transposed convolutions the first two are swapped. */
const WEIGHT_AXES = /** @type {Record<number, string[]>} */ ({
  2: ["unit", "input"],
  4: ["filter", "channel", "row", "column"],
});

/**
 * The places of the products that are listed: all in order, or of many the largest, the largest first.
 * @param {Float64Array} products
 */
function largestProducts(products) {
  const places = range(products.length);
  if (places.length <= MOST_TERMS) return places;
  return places.sort((a, b) => Math.abs(products[b]) - Math.abs(products[a]) || a - b).slice(0, MOST_TERMS);
}

class WeightBox {
  /**
   * @param {Model} model
   * @param {(weight: {number: number, at: number[], rate: number} | null) => void} show  what is told of, or none
   */
  constructor(model, show) {
    this.model = model;
    this.show = show;
    this.number = 0;
    /** @type {HTMLInputElement[]} one for each axis */
    this.axes = [];
    /** @type {string[]} what each counts */
    this.names = [];
    this.shape = "";
    this.followed = ""; // what was looked at when it was last followed
    this.stages = element("select", { "aria-label": "stage of the weight" });
    this.stages.addEventListener("change", () => this.choose(Number(this.stages.value)));
    this.holder = element("span", { className: "row" });
    this.rate = element("input", { type: "text", inputMode: "decimal", size: 6, value: "0.01", autocomplete: "off" });
    this.rate.addEventListener("input", () => this.#tell());
    this.step = element("button", { type: "button", className: "button" }, "Take the step");
    this.step.addEventListener("click", () => this.#take());
    this.mistake = element("p", { className: "mistake", role: "status", hidden: true });
    this.board = element("div", { className: "stack" });
    this.none = note("No stage has weights that are told one by one; conv:N@HxW and dense have.");
    this.rated = element(
      "div",
      { className: "row" },
      element("label", { className: "field" }, element("span", {}, "Learning rate"), this.rate),
      this.step,
    );
    this.choice = element("div", { className: "row" }, this.stages, this.holder);
    this.element = element(
      "section",
      { className: "stack", "aria-label": "one weight" },
      element("h3", {}, "One weight"),
      this.none,
      this.choice,
      this.mistake,
      this.board,
      this.rated,
    );
  }

  /** Shows the gradient anew. */
  update() {
    const { model } = this;
    const able = range(model.stages.length + 1).filter((number) => number && isToldByWeights(model.stages[number - 1]));
    this.none.hidden = able.length > 0;
    this.choice.hidden = this.rated.hidden = this.board.hidden = able.length === 0;
    this.mistake.hidden = true;
    this.stages.replaceChildren(
      ...able.map((value) => element("option", { value }, stageTitle(model, value).replace("stage ", ""))),
    );
    if (!able.length) {
      this.show(null);
      return;
    }
    if (!able.includes(this.number)) this.number = able[able.length - 1];
    this.stages.value = String(this.number);
    this.#fit();
    this.follow();
    this.#tell();
  }

  /** Follows what is looked at, where that is a result of weights: the filter, or the unit, that made it. */
  follow() {
    const { selection } = this.model;
    const now = `${selection?.stage} ${selection?.at[selection.at.length - 1]}`;
    if (!selection || now === this.followed || !backward.backed) return;
    this.followed = now;
    const stage = this.model.stages[selection.stage - 1];
    if (!isToldByWeights(stage)) return;
    this.number = selection.stage;
    this.stages.value = String(this.number);
    this.#fit();
    const { shape } = stage.learned.weight;
    const map = selection.at[selection.at.length - 1];
    if (stage.kind === "convtranspose") this.axes[1].value = String(map % shape[1]);
    else this.axes[0].value = String(map);
    this.#tell();
  }

  /**
   * Tells of a weight of a stage.
   * @param {number} number
   * @param {number[]} [at]  the place that was told of before, if left out
   */
  choose(number, at) {
    this.number = number;
    this.stages.value = String(number);
    this.#fit();
    at?.forEach((index, axis) => (this.axes[axis].value = String(index)));
    this.#tell();
    if (at) this.element.scrollIntoView({ block: "nearest" });
  }

  /** Has a field for each axis of the stage's weights. */
  #fit() {
    const stage = this.model.stage(this.number);
    const { shape } = stage.learned.weight;
    const key = `${stage.kind} ${shape}`;
    if (key === this.shape) return;
    this.shape = key;
    const [first, second, ...others] = WEIGHT_AXES[shape.length];
    this.names = stage.kind === "convtranspose" ? [second, first, ...others] : [first, second, ...others];
    this.axes = shape.map((size) =>
      element("input", { type: "number", min: 0, max: size - 1, value: 0, oninput: () => this.#tell() }),
    );
    this.holder.replaceChildren(
      ...this.axes.map((field, axis) =>
        element("label", { className: "field" }, element("span", {}, this.names[axis]), field),
      ),
    );
  }

  /** The learning rate; a mistake if it is none. */
  #readRate() {
    const rate = readNumber(this.rate.value);
    if (rate <= 0) throw new Mistake(`the learning rate must be above 0, not ${quoted(this.rate.value)}`);
    return rate;
  }

  #told() {
    const { shape } = this.model.stage(this.number).learned.weight;
    const at = this.axes.map((field, axis) => readWhole(field.value, this.names[axis], 0, shape[axis] - 1));
    return weightGradient(this.model, /** @type {Backed} */ (backward.backed), this.number, at);
  }

  /** Tells the gradient, and the step. */
  #tell() {
    if (!backward.backed) return;
    const mistake = mistakeOf(() => {
      const [told, rate] = [this.#told(), this.#readRate()];
      this.board.replaceChildren(...this.#lines(told, rate));
      this.show({ number: this.number, at: told.at, rate });
    });
    write(this.mistake, mistake);
    this.mistake.hidden = mistake === "";
    this.board.hidden = mistake !== "";
    const { flip, scale = "none" } = this.model.stage(this.number).keys;
    this.step.disabled = mistake !== "" || flip || scale !== "none"; // where the number that is learned is another
  }

  /** Changes the weight by the step. */
  #take() {
    const mistake = mistakeOf(() => {
      const { at, weight, gradient } = this.#told();
      const stepped = weight - this.#readRate() * gradient;
      this.model.set(this.number, "learned.weight", [...at, showNumber(stepped)].join());
    });
    if (!mistake) return;
    write(this.mistake, mistake);
    this.mistake.hidden = false;
  }

  /** @param {WeightGradient} told @param {number} rate */
  #lines({ at, weight, met, products, gradient }, rate) {
    const [stage, text] = [stageTitle(this.model, this.number), listedText(this.model.stages, this.number)];
    const chosen = largestProducts(products);
    const rows = chosen.map((i) => [met.place(i).join(","), met.deltas[i], met.samples[i], products[i]]);
    const what = products.length > chosen.length ? `the ${chosen.length} largest of ${products.length}` : "all";
    return [
      element("p", { className: "small" }, `weight ${at} of ${stage}, ${text}: ${show(weight)}`),
      fact("formula", "sum(delta * input)"),
      wideTable(
        "products",
        terms(`products, ${what}, by the place of the result`, ["place", "delta", "input", "product"], rows),
      ),
      products.length <= MOST_SUMMED
        ? equation("gradient", showSum(products), gradient)
        : fact("gradient", `sum of ${products.length} products = `, element("strong", {}, show(gradient))),
      equation("step", `${show(weight)} - ${show(rate)} * ${showFactor(gradient)}`, weight - rate * gradient),
    ];
  }
}

/** Whether a stage's weights are learned, and told one by one. @param {Stage} stage */
function isToldByWeights(stage) {
  return Boolean(kindOf(stage).weights && stage.learned.weight);
}
