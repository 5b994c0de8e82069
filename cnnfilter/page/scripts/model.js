// The network on the picture, as the person made it: what all views show and change.

const MOST_MACS = 1e9; // what a page computes again
const MOST_VALUES = 2 ** 26; // 256 MB of results
const PATIENCE = 40; // milliseconds of computing before the page may answer again

/**
 * @typedef {object} Chosen  the value that is looked at
 * @property {number} stage  its number, counted from 1
 * @property {Place} at
 * @property {boolean} pinned
 */

/**
 * The stages, what they make of the picture, and the value that is looked at. What has a place for each stage by its
 * number, counted from 1, has the picture's at 0.
 *
 * Events: "changed" when stages or the picture changed and their sizes are known, "computed" when all results are,
 * "selected".
 */
class Model extends EventTarget {
  /** @type {Contents} */ contents = { network: "", before: "", picture: { name: "", maps: { type: "uint8", shape: [], data: "" } }, stages: [], labels: [], kernels: [] };
  /** @type {Stage[]} in order: that of number 1 first */ stages = [];
  /** @type {(Shape | null)[]} */ shapes = [];
  /** @type {(Figures | null)[]} */ figures = [];
  /** @type {(Maps | null)[]} null where there is a mistake, or none is computed yet */ results = [];
  /** @type {(string | null)[]} why a stage has no result */ mistakes = [];
  /** @type {Chosen | null} */ selection = null;
  /** @type {Promise<void>} settled when all is computed */ ready = Promise.resolve();
  /** @type {Change[]} */ changes = [];
  /** @type {{stages: Stage[], changes: Change[], picture: Maps}[]} */ #before = [];
  /** @type {Stage[]} */ #given = [];
  /** @type {Maps | null} */ #picture = null;
  /** @type {WeakMap<Stage, {inputs: Maps[], result: Maps}>} */ #known = new WeakMap();
  #turn = 0;

  /**
   * Take what Python embedded, and compute all of it.
   *
   * @param {Contents} contents
   */
  async load(contents) {
    this.contents = contents;
    for (const kernel of contents.kernels) CATALOGUE.set(kernel.name, kernel);
    const maps = await unpacked(contents.picture.maps);
    const [count, height, width] = maps.shape;
    this.#picture = { shape: [height, width, count], values: maps.values };
    this.#given = await Promise.all(
      contents.stages.map(async (stage) => {
        const learned = Object.entries(stage.learned).map(async ([role, array]) => [role, await unpacked(array)]);
        return { ...stage, learned: Object.fromEntries(await Promise.all(learned)) };
      }),
    );
    this.stages = this.#given;
    this.#update();
  }

  /** The picture. */
  get picture() {
    return /** @type {Maps} */ (this.#picture);
  }

  /** Another picture; it is no part of `state`. */
  set picture(maps) {
    this.setPicture(maps);
  }

  /**
   * Take another picture.
   *
   * @param {Maps} maps
   * @param {boolean} goesOn  whether the change before goes on, as a stroke of a drawing does: both are undone together
   */
  setPicture(maps, goesOn = false) {
    if (!goesOn) this.#remember();
    this.#picture = maps;
    this.#update();
  }

  /**
   * The stage of a number.
   *
   * @param {number} number
   */
  stage(number) {
    const stage = this.stages[number - 1];
    if (!stage) throw new Mistake(`there is no stage ${number} among ${this.stages.length}`);
    return stage;
  }

  /**
   * The text of a stage, as the command has it.
   *
   * @param {number} number
   */
  text(number) {
    const stage = this.stage(number);
    return kindOf(stage).text(stage);
  }

  /**
   * Look at a value.
   *
   * @param {number} stage
   * @param {number} map  of a vector, the index
   * @param {number} row
   * @param {number} column
   * @param {boolean} pinned
   */
  select(stage, map, row = 0, column = 0, pinned = false) {
    const shape = this.shapes[stage];
    if (!shape || stage < 1) throw new Mistake(`there is no result of stage ${stage}`);
    const at = shape.length === 1 ? [map] : [row, column, map];
    if (at.some((index, axis) => !(Number.isInteger(index) && index >= 0 && index < shape[axis]))) {
      throw new Mistake(`no value at ${at}: the result is ${showShape(shape)}`);
    }
    this.selection = { stage, at, pinned };
    this.dispatchEvent(new Event("selected"));
  }

  /**
   * Change a key of a stage: its value as the stage's text has it, or as `stage.keys` has it.
   *
   * @param {number} number
   * @param {string} key  that of one of its kind's `controls`
   * @param {any} value
   * @param {boolean} goesOn  whether the change before goes on, as when a number is typed: both are undone together
   */
  set(number, key, value, goesOn = false) {
    this.#change({ what: "set", stage: number, key, value: valueText(value) }, goesOn);
  }

  /**
   * Put a stage behind one, or behind the picture, 0; what read that one reads the new one.
   *
   * @param {number} after
   * @param {string} text
   */
  insert(after, text) {
    this.#change({ what: "insert", stage: after, text });
  }

  /**
   * Take a stage out; what read it reads what it read first.
   *
   * @param {number} number
   */
  remove(number) {
    this.#change({ what: "remove", stage: number });
  }

  /** Take the last change back. */
  undo() {
    const before = this.#before.pop();
    if (!before) return;
    [this.stages, this.changes, this.#picture] = [before.stages, before.changes, before.picture];
    this.#update();
  }

  canUndo() {
    return this.depth > 0;
  }

  /** How many changes can be undone. */
  get depth() {
    return this.#before.length;
  }

  /**
   * The value of an input that counts most for the selected one: its stage's number and its place; null of none.
   *
   * @returns {{stage: number, at: Place} | null}
   */
  follow() {
    if (!this.selection) return null;
    const { reads } = this.stage(this.selection.stage);
    const step = this.#step(this.selection.stage, this.selection.at);
    return step.follows && { stage: reads[step.source ?? 0], at: step.follows };
  }

  /**
   * What is shown of the selected value, as `cnnfilter explain --json` prints it.
   *
   * @returns {Record<string, any> | null}
   */
  explain() {
    if (!this.selection || !this.results[this.selection.stage]) return null;
    const { stage, at } = this.selection;
    const steps = [];
    /** @type {{stage: number, at: Place} | null} */
    let next = { stage, at };
    while (next !== null && next.stage !== 0) {
      /** @type {{stage: number, at: Place}} */
      const { stage: number, at: place } = next;
      const step = this.#step(number, place);
      const { kind, ...rest } = step;
      steps.push({ number, kind, name: this.stage(number).name, stage: this.text(number), ...rest });
      next = step.follows && { stage: this.stage(number).reads[step.source ?? 0], at: step.follows };
    }
    return {
      stages: this.stages.slice(0, stage).map((_, place) => this.text(place + 1)).join(","),
      input: this.shapes[0],
      output: this.shapes[stage],
      at,
      value: steps[0].value,
      steps,
    };
  }

  /**
   * What a stage did to make a value.
   *
   * @param {number} number
   * @param {Place} at
   */
  step(number, at) {
    return this.#step(number, at);
  }

  /**
   * @param {number} number
   * @param {Place} at
   */
  #step(number, at) {
    const stage = this.stage(number);
    const inputs = stage.reads.map((read) => /** @type {Maps} */ (this.results[read]));
    const result = /** @type {Maps} */ (this.results[number]);
    return kindOf(stage).explain(stage, inputs, at, valueAt(result, at));
  }

  /**
   * @param {Change} change
   * @param {boolean} goesOn
   */
  #change(change, goesOn = false) {
    const changes = withChange(this.changes, change);
    const stages = changed(this.stages, change);
    if (!goesOn) this.#remember();
    [this.stages, this.changes] = [stages, changes];
    this.#update();
  }

  #remember() {
    this.#before.push({ stages: this.stages, changes: this.changes, picture: this.picture });
  }

  /** Plan all stages, and compute what changed. */
  #update() {
    const count = this.stages.length + 1;
    this.shapes = [this.picture.shape, ...Array(count - 1).fill(null)];
    this.figures = Array(count).fill(null);
    this.mistakes = Array(count).fill(null);
    this.stages.forEach((stage, place) => {
      const number = place + 1;
      const faulty = stage.reads.find((read) => this.shapes[read] === null);
      if (faulty !== undefined) {
        this.mistakes[number] = `stage ${faulty} has no result`;
        return;
      }
      const inputs = stage.reads.map((read) => /** @type {Shape} */ (this.shapes[read]));
      try {
        const shape = kindOf(stage).output(stage, inputs);
        this.figures[number] = kindOf(stage).figures(stage, inputs);
        this.shapes[number] = shape;
      } catch (error) {
        if (!(error instanceof Mistake)) throw error;
        this.mistakes[number] = `stage ${number} (${stage.kind}): ${error.message}`;
      }
    });
    if (this.selection && !this.#isThere(this.selection)) this.selection = null;
    this.dispatchEvent(new Event("changed"));
    this.ready = this.#compute();
  }

  /** @param {Chosen} selection */
  #isThere({ stage, at }) {
    const shape = this.shapes[stage];
    return shape != null && shape.length === at.length && at.every((index, axis) => index < shape[axis]);
  }

  async #compute() {
    const turn = ++this.#turn;
    this.results = [this.picture, ...Array(this.stages.length).fill(null)];
    let begun = performance.now();
    for (const [place, stage] of this.stages.entries()) {
      if (this.shapes[place + 1] === null) continue;
      const inputs = stage.reads.map((read) => /** @type {Maps} */ (this.results[read]));
      let known = this.#known.get(stage);
      if (!known || known.inputs.some((input, each) => input !== inputs[each])) {
        if (performance.now() - begun > PATIENCE) {
          await new Promise((resolve) => setTimeout(resolve));
          if (turn !== this.#turn) return this.ready; // that of what is computed instead
          begun = performance.now();
        }
        known = { inputs, result: kindOf(stage).compute(stage, inputs) };
        this.#known.set(stage, known);
      }
      this.results[place + 1] = known.result;
    }
    if (!this.selection) this.#selectSomething();
    this.dispatchEvent(new Event("computed"));
  }

  /** Look at the last stage: the largest of a vector, the middle of maps. */
  #selectSomething() {
    const number = this.results.findLastIndex((result) => result !== null);
    const result = this.results[number];
    if (number < 1 || !result) return;
    const { shape, values } = result;
    if (shape.length === 1) this.select(number, values.indexOf(values.reduce((most, value) => Math.max(most, value))));
    else this.select(number, 0, Math.floor(shape[0] / 2), Math.floor(shape[1] / 2));
  }
}

const model = new Model();
