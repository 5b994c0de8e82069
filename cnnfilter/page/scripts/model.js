// The network on the picture, as the person made it: what all views show and change.

const STATIC = "this page shows results, and computes none: it was written with --static";

/**
 * The stages, what they make of the picture, and the value that is looked at. What has a place for each stage by its
 * number, counted from 1, has the picture's at 0.
 *
 * Events: "changed" when stages or the picture changed and their sizes are known, "computed" when all results are,
 * "selected"; "edited" and "undone" when a person did that; "told" when there is something to tell, `notice`.
 */
class Model extends EventTarget {
  contents = NOTHING;
  /** @type {Stage[]} in order: that of number 1 first */ stages = [];
  /** What is known of the stages before any is computed. */ plan = planOf([], [0, 0, 0]);
  /** @type {(Maps | null)[]} null where there is a mistake, or none is computed yet */ results = [];
  /** @type {Chosen | null} */ selection = null;
  /** @type {Promise<void>} settled when all is computed */ ready = Promise.resolve();
  /** @type {Change[]} */ changes = [];
  /** What a person should know of, as of an address that cannot be followed. */ notice = "";
  #past = new Past();
  /** @type {Stage[]} */ #given = [];
  /** @type {Maps | null} */ #picture = null;
  /** @type {Maps | null} */ #givenPicture = null;
  #computing = new Computing();

  /**
   * Take what Python embedded, and compute all of it.
   *
   * @param {Contents} contents
   */
  async load(contents) {
    const { picture, stages, results } = await unpackedContents(contents);
    this.contents = contents;
    const named = contents.stages.flatMap(({ keys }) => (keys.file ? [] : keys.kernels ?? [])); // with their own parameters
    for (const kernel of [...named, ...contents.kernels]) if (kernel.name !== "custom") CATALOGUE.set(kernel.name, kernel);
    PICTURE.scale = contents.picture.scale;
    this.#givenPicture = this.#picture = picture;
    this.#given = stages;
    results.forEach((result, place) => result && this.#computing.know(stages[place], result));
    [this.stages, this.changes] = [this.#given, []];
    this.#update(planOf(this.stages, this.picture.shape));
  }

  /** @returns {(Shape | null)[]} null of a stage that does not fit, and of those after it */
  get shapes() {
    return this.plan.shapes;
  }

  /** @returns {(Figures | null)[]} */
  get figures() {
    return this.plan.figures;
  }

  /** @returns {(string | null)[]} why a stage has no result */
  get mistakes() {
    return this.plan.mistakes;
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
    const plan = this.#allowed(this.stages, maps);
    const isSame = this.#past.add("picture", this.#now, goesOn);
    this.#picture = maps;
    this.#update(plan);
    this.dispatchEvent(new CustomEvent("edited", { detail: { goesOn: isSame } }));
  }

  /** The changes and the selection as text, which the fragment of the address keeps; the picture is no part of it. */
  get state() {
    return stateText(this.changes, this.selection);
  }

  /**
   * Become what a text tells: anybody's, so that what cannot be done is told, and left.
   *
   * @param {string} text
   */
  restore(text) {
    try {
      const { changes, selection } = readState(text);
      if (stateText(this.changes, null) !== stateText(changes, null)) {
        const before = this.#past.find(changes, this.picture);
        const stages = before?.stages ?? changes.reduce(changed, this.#given);
        const plan = this.#allowed(stages, this.picture);
        if (before) this.#past.returnTo(before);
        else this.#past.add("", this.#now);
        [this.stages, this.changes] = [stages, changes];
        this.#update(plan);
      }
      if (selection && isThere(selection, this.shapes)) {
        const { stage, at, pinned } = selection;
        if (at.length === 1) this.select(stage, at[0], 0, 0, pinned);
        else this.select(stage, at[2], at[0], at[1], pinned);
      }
    } catch (error) {
      this.#tell(error);
    }
  }

  /**
   * What a person is told of a mistake; other errors are thrown on.
   *
   * @param {unknown} error
   */
  #tell(error) {
    if (!(error instanceof Mistake)) throw error;
    this.notice = error.message;
    this.dispatchEvent(new Event("told"));
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
    const isLearned = key.startsWith("learned.") && Array.isArray(value);
    this.#change({ what: "set", stage: number, key, value: isLearned ? value.join() : valueText(value) }, goesOn);
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
   * Take a stage out; what read it reads the one before it, and what nothing else reads goes with it.
   *
   * @param {number} number
   */
  remove(number) {
    this.#change({ what: "remove", stage: number });
  }

  /**
   * Take the last changes back.
   *
   * @param {number} count
   */
  undo(count = 1) {
    const before = this.#past.back(count);
    if (!before) return;
    [this.stages, this.changes, this.#picture] = [before.stages, before.changes, before.picture];
    this.#update(planOf(this.stages, this.picture.shape));
    this.dispatchEvent(new Event("undone"));
  }

  canUndo() {
    return this.#past.length > 0;
  }

  /** How many changes lead to what there is: some of the first may be undone no more. */
  get depth() {
    return this.#past.depth;
  }

  /**
   * The value of an input that counts most for the selected one: its stage's number and its place; null of none.
   *
   * @returns {{stage: number, at: Place} | null}
   */
  follow() {
    if (!this.selection) return null;
    return followed(this, this.selection.stage, this.selection.at);
  }

  /**
   * What is shown of the selected value, as `cnnfilter explain --json` prints it.
   *
   * @returns {Record<string, any> | null}
   */
  explain() {
    if (!this.selection || !this.results[this.selection.stage]) return null;
    return recordOf(this, this.selection.stage, this.selection.at);
  }

  /**
   * What a stage did to make a value.
   *
   * @param {number} number
   * @param {Place} at
   */
  step(number, at) {
    const stage = this.stage(number);
    const inputs = stage.reads.map((read) => /** @type {Maps} */ (this.results[read]));
    return kindOf(stage).explain(stage, inputs, at, valueAt(/** @type {Maps} */ (this.results[number]), at));
  }

  /**
   * The rows and columns of the picture that a value sees, those in the padding too: first and last.
   *
   * @param {number} stage
   * @param {Place} at
   */
  field(stage, at) {
    const { taken } = seenFrom(this.stages.slice(0, stage), /** @type {Shape[]} */ (this.shapes), at);
    return fieldAt(this, stage, spotOf(this, wayFrom(this, stage, at)), taken);
  }

  /**
   * The field and the jump of each value of a stage's result, as `cnnfilter shape` lists them.
   *
   * @param {number} stage
   * @returns {{size: number[], jump: number[] | null}}
   */
  fieldOf(stage) {
    const { size, jump } = this.plan.fields[stage];
    const shape = /** @type {Shape} */ (this.shapes[stage]);
    return { size, jump: shape.length === 1 || (shape[0] === 1 && shape[1] === 1) ? null : jump };
  }

  /** The command of the present state. */
  command() {
    return commandsOf(this).lines[0].text;
  }

  /** Whether anything is another than Python embedded it. */
  get isChanged() {
    return this.isPictureChanged || this.stages !== this.#given;
  }

  /** Whether the picture is another one than that which Python embedded. */
  get isPictureChanged() {
    return this.#picture !== this.#givenPicture;
  }

  /**
   * Whether some learned numbers are others than those that Python embedded.
   *
   * @param {Stage} stage
   */
  isRelearned(stage) {
    const known = new Set(this.#given.flatMap(({ learned }) => Object.values(learned)));
    return Object.values(stage.learned).some((array) => !known.has(array));
  }

  /**
   * @param {Change} change
   * @param {boolean} goesOn
   */
  #change(change, goesOn = false) {
    const changes = withChange(this.changes, change);
    const stages = changed(this.stages, change);
    const plan = this.#allowed(stages, this.picture);
    const isSame = this.#past.add(change.what === "set" ? `${change.stage}.${change.key}` : "", this.#now, goesOn);
    [this.stages, this.changes] = [stages, changes];
    this.#update(plan);
    this.dispatchEvent(new CustomEvent("edited", { detail: { goesOn: isSame } }));
  }

  /** @returns {Snapshot} */
  get #now() {
    return { stages: this.stages, changes: this.changes, picture: this.picture };
  }

  /**
   * The plan of what a person asks for; a mistake if that is more than a page computes.
   *
   * @param {Stage[]} stages
   * @param {Maps} picture
   */
  #allowed(stages, picture) {
    if (this.contents.isStatic) throw new Mistake(STATIC);
    return planOf(stages, picture.shape, this.contents.limits);
  }

  /**
   * Take a plan, and compute what changed.
   *
   * @param {Plan} plan
   */
  #update(plan) {
    this.plan = plan;
    if (this.selection && !isThere(this.selection, this.shapes)) this.selection = nearestTo(this.selection, this.shapes);
    this.results = [this.picture, ...Array(this.stages.length).fill(null)];
    this.dispatchEvent(new Event("changed"));
    const done = this.#computing.all(this.stages, plan, this.results);
    if (typeof done !== "boolean") this.ready = done.then((isLast) => (isLast ? this.#computed() : this.ready));
    else this.ready = Promise.resolve(this.#computed());
  }

  #computed() {
    const isNew = !this.selection;
    if (isNew) this.selection = somethingOf(this.results);
    this.dispatchEvent(new Event("computed"));
    if (isNew && this.selection) this.dispatchEvent(new Event("selected")); // views show the results by now
  }

}

const model = new Model();
