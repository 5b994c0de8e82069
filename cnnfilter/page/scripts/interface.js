// `window.cnnfilter`: the page for scripts, of teachers and of tests. All of it is text, numbers, lists and arrays.

/**
 * The page as scripts use it.
 *
 * It tells "computed" to listeners when all results of a change are there, as `model` does, and "selected":
 *
 *     cnnfilter.addEventListener("computed", () => console.log(cnnfilter.values(1)));
 *     cnnfilter.set(1, "kernels", "sobel-y");
 */
class Interface extends EventTarget {
  #model;

  /** @param {Model} model */
  constructor(model) {
    super();
    this.#model = model;
    for (const name of ["computed", "selected"]) model.addEventListener(name, () => this.dispatchEvent(new Event(name)));
  }

  /** The stages in order: number, name, text, sizes of what it reads and gives, figures, and why it has no result. */
  get stages() {
    const { stages, shapes, figures, mistakes } = this.#model;
    return stages.map((stage, place) => ({
      number: place + 1,
      name: stage.name,
      text: this.#model.text(place + 1),
      reads: [...stage.reads],
      inputs: stage.reads.map((read) => shapes[read]),
      output: shapes[place + 1],
      ...figures[place + 1],
      mistake: mistakes[place + 1],
    }));
  }

  /** A promise that is kept when all is computed. */
  get ready() {
    return this.#model.ready;
  }

  /**
   * The result of a stage, by its number or its name: a copy, maps one after the other (C, H, W), or a vector.
   *
   * @param {number | string} stage  0 is the picture
   * @returns {Float32Array}
   */
  values(stage) {
    const result = this.#model.results[this.#number(stage)];
    if (!result) throw new Mistake(`stage ${stage} has no result`);
    return Float32Array.from(result.values);
  }

  /**
   * Look at a value of a stage's result; of a vector, `map` is the index.
   *
   * @param {number | string} stage
   * @param {number} map
   * @param {number} row
   * @param {number} column
   */
  select(stage, map, row = 0, column = 0) {
    this.#model.select(this.#number(stage), map, row, column, true);
  }

  /** What is shown of the selected value, as `cnnfilter explain --json` prints it; null while none is selected. */
  record() {
    return asData(this.#model.explain());
  }

  /**
   * A loss and where its gradient goes, as `cnnfilter explain --target --json` prints it: `explainLoss(3)`,
   * `explainLoss("0,1,0", "mse", [1, 0, 0, 2, 2], 0.1)`.
   *
   * @param {number | string} target  a class's number or name, or what the result should be
   * @param {string} loss  "cross-entropy", "binary-cross-entropy" or "mse"
   * @param {[number | string, ...number[]] | null} weight  a stage, and the place of one of its weights
   * @param {number} rate  the learning rate of the step that is told of it
   */
  explainLoss(target, loss = "cross-entropy", weight = null, rate = 0.01) {
    const known = Object.keys(LOSSES);
    if (!known.includes(loss)) throw new Mistake(`unknown loss ${quoted(loss)} (known: ${known.join(", ")})`);
    const place = weight && [this.#number(weight[0]), ...weight.slice(1).map(Number)];
    return asData(lossRecord(this.#model, { loss, target: String(target) }, place, rate));
  }

  /**
   * Change a key of a stage, as its text has it: `set(1, "stride", "2x1")`, `set("conv1", "kernels", "0 1; 2 3")`,
   * `set(4, "learned.weight", [0, 1, 2, 2, 0.5])` (the indices, then the number).
   *
   * @param {number | string} stage
   * @param {string} key
   * @param {any} value
   */
  set(stage, key, value) {
    this.#model.set(this.#number(stage), key, value);
  }

  /** The changes and the selection as text: the fragment of the address. Setting it shows what it tells. */
  get state() {
    return this.#model.state;
  }

  set state(text) {
    this.#model.restore(String(text));
  }

  /** The command that does what the page shows. */
  command() {
    return this.#model.command();
  }

  /** @param {number | string} stage */
  #number(stage) {
    const { stages } = this.#model;
    const named = stages.findIndex((each) => namesOf(each).some((name) => name === stage)); // 2 is no name, "2" may be one
    const number = named >= 0 ? named + 1 : Number(stage);
    if (Number.isInteger(number) && number >= 0 && number <= stages.length) return number;
    throw new Mistake(`there is no stage ${quoted(String(stage))} among ${stages.length}`);
  }
}

/**
 * What JSON can hold: a number that is not finite is the text "inf", "-inf" or "nan".
 *
 * @param {any} told
 * @returns {any}
 */
function asData(told) {
  if (typeof told === "number") return Number.isFinite(told) ? told + 0 : unbounded(told);
  if (Array.isArray(told)) return told.map(asData);
  if (told === null || typeof told !== "object") return told;
  return Object.fromEntries(Object.entries(told).map(([key, value]) => [key, asData(value)]));
}

/** @type {any} */ (window).cnnfilter = new Interface(model);
