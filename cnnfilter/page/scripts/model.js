// The network on the picture, as the person made it: what all views show and change.

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
 * "selected"; "edited" and "undone" when a person did that; "told" when there is something to tell, `notice`.
 */
class Model extends EventTarget {
  /** @type {Contents} */ contents = {
    title: "",
    before: "",
    input: "in",
    picture: { name: "", file: null, scale: 1, maps: { type: "uint8", shape: [0, 0, 0], data: "" } },
    stages: [],
    groups: [],
    labels: [],
    kernels: [],
    isStatic: false,
    limits: { macs: 0, values: 0 },
  };
  /** @type {Stage[]} in order: that of number 1 first */ stages = [];
  /** @type {(Shape | null)[]} */ shapes = [];
  /** @type {(Figures | null)[]} */ figures = [];
  /** @type {(Maps | null)[]} null where there is a mistake, or none is computed yet */ results = [];
  /** @type {(string | null)[]} why a stage has no result */ mistakes = [];
  /** @type {Chosen | null} */ selection = null;
  /** @type {Promise<void>} settled when all is computed */ ready = Promise.resolve();
  /** @type {Change[]} */ changes = [];
  /** What a person should know of, as of an address that cannot be followed. */ notice = "";
  /** @type {{stages: Stage[], changes: Change[], picture: Maps}[]} */ #before = [];
  /** What the last change was of, while none is undone. */
  #changing = "";
  /** @type {Stage[]} */ #given = [];
  /** @type {Maps | null} */ #picture = null;
  /** @type {Maps | null} */ #givenPicture = null;
  /** @type {Move[]} */ #moves = [];
  /** @type {WeakMap<Stage, {inputs: Maps[], result: Maps}>} */ #known = new WeakMap();
  /** @type {Field[]} */ #fields = [];
  #turn = 0;

  /**
   * Take what Python embedded, and compute all of it.
   *
   * @param {Contents} contents
   */
  async load(contents) {
    this.contents = contents;
    for (const kernel of contents.kernels) CATALOGUE.set(kernel.name, kernel);
    PICTURE.scale = contents.picture.scale;
    this.#givenPicture = this.#picture = await unpackedMaps(contents.picture.maps);
    this.#given = await Promise.all(
      contents.stages.map(async ({ result: _, ...stage }) => {
        const learned = Object.entries(stage.learned).map(async ([role, array]) => [role, await unpacked(array)]);
        return { ...stage, learned: Object.fromEntries(await Promise.all(learned)) };
      }),
    );
    const results = await Promise.all(contents.stages.map(({ result }) => result && unpackedMaps(result)));
    results.forEach((result, place) => result && this.#known.set(this.#given[place], { inputs: [], result }));
    this.stages = this.#given;
    this.#update(this.#planned(this.stages, this.picture));
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
    const isSame = this.#goesOn("picture", goesOn);
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
      const known = this.#before.findLastIndex((before) => stateText(before.changes, null) === stateText(changes, null));
      if (stateText(this.changes, null) !== stateText(changes, null)) {
        const stages = known < 0 ? changes.reduce(changed, this.#given) : this.#before[known].stages;
        const plan = this.#allowed(stages, this.picture);
        if (known < 0) this.#remember();
        else this.#before.length = known;
        this.#changing = "";
        [this.stages, this.changes] = [stages, changes];
        this.#update(plan);
      }
      if (selection && this.#isThere(selection)) {
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
   * Take a stage out; what read it reads what it read first.
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
    const before = this.#before.splice(-count)[0];
    if (!before) return;
    this.#changing = "";
    [this.stages, this.changes, this.#picture] = [before.stages, before.changes, before.picture];
    this.#update(this.#planned(this.stages, this.picture));
    this.dispatchEvent(new Event("undone"));
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
    const way = [...this.#way(stage, at)];
    const steps = way.map(({ number, at: place }) => {
      const { kind, ...rest } = this.#step(number, place);
      return { number, kind, name: this.stage(number).name, stage: this.#told(number), ...rest };
    });
    return {
      stages: networkText(this.stages, this.contents.groups, stage),
      input: this.shapes[0],
      output: this.shapes[stage],
      at,
      value: steps[0].value,
      steps,
      receptive_field: this.#receptiveField(stage, at, way),
    };
  }

  /**
   * The text of a stage as steps have it, which tell what `normalize` divides by.
   *
   * @param {number} number
   */
  #told(number) {
    const stage = this.stage(number);
    return kindOf(stage).told?.(stage) ?? this.text(number);
  }

  /**
   * The rows and columns of the picture that a value sees, those in the padding too: first and last.
   *
   * @param {number} stage
   * @param {Place} at
   * @returns {{rows: Extent, columns: Extent}}
   */
  field(stage, at) {
    const { taken } = seenFrom(this.stages.slice(0, stage), /** @type {Shape[]} */ (this.shapes), at);
    return this.#fieldAt(stage, this.#spot(this.#way(stage, at)), taken);
  }

  /**
   * The field and the jump of each value of a stage's result, as `cnnfilter shape` lists them.
   *
   * @param {number} stage
   * @returns {{size: number[], jump: number[] | null}}
   */
  fieldOf(stage) {
    const { size, jump } = this.#fields[stage];
    const shape = /** @type {Shape} */ (this.shapes[stage]);
    return { size, jump: shape.length === 1 || (shape[0] === 1 && shape[1] === 1) ? null : jump };
  }

  /**
   * The places that a value is followed through, from itself to the picture.
   *
   * @param {number} stage
   * @param {Place} at
   * @returns {Generator<{number: number, at: Place}>}
   */
  *#way(stage, at) {
    /** @type {{number: number, at: Place} | null} */
    let next = { number: stage, at };
    while (next !== null && next.number !== 0) {
      yield next;
      const step = this.#step(next.number, next.at);
      next = step.follows && { number: this.stage(next.number).reads[step.source ?? 0], at: step.follows };
    }
  }

  /**
   * The row and the column of a value, which a vector's has in the maps that it was made of.
   *
   * @param {Iterable<{number: number, at: Place}>} way
   */
  #spot(way) {
    for (const { number, at } of way) {
      const stage = this.stage(number);
      const shape = /** @type {Shape} */ (this.shapes[stage.reads[stage.reads.length - 1]]);
      if (kindOf(stage).seesAll?.(stage, shape)) return [0, 0];
      if (shape.length === 3) return at.length === 3 ? at.slice(0, 2) : unflattened(shape, at[0]).slice(0, 2);
    }
    return [0, 0];
  }

  /**
   * @param {number} stage
   * @param {number[]} spot
   * @param {Map<number, boolean[]>} taken
   */
  #fieldAt(stage, spot, taken) {
    const moves = this.#moves.slice(0, stage).map((move, place) => {
      const takes = taken.get(place + 1);
      /** @param {any} _ @param {number} each */
      const isTaken = (_, each) => takes?.[each] ?? true;
      return { ...move, reads: move.reads.filter(isTaken), counts: move.counts.filter(isTaken) };
    });
    const [rows, columns] = extentOf(moves, spot);
    return { rows, columns };
  }

  /**
   * @param {number} stage
   * @param {Place} at
   * @param {{number: number, at: Place}[]} way
   */
  #receptiveField(stage, at, way) {
    const { seen, taken } = seenFrom(this.stages.slice(0, stage), /** @type {Shape[]} */ (this.shapes), at);
    const { rows, columns } = this.#fieldAt(stage, this.#spot(way), taken);
    const size = [rows, columns].map(([first, last]) => last - first + 1);
    const region = seen.get(0);
    const [down, along] = region?.isSeen ? [ends(region.rows), ends(region.columns)] : [[], []];
    const corners = down.flatMap((row) => along.map((column) => [row, column]));
    const inside = corners.length ? (down[1] - down[0] + 1) * (along[1] - along[0] + 1) : 0;
    return { size, rows, columns, corners, in_padding: product(size) - inside };
  }

  /** The command of the present state. */
  command() {
    return commandsOf(this).lines[0].text;
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
    const plan = this.#allowed(stages, this.picture);
    const isSame = this.#goesOn(change.what === "set" ? `${change.stage}.${change.key}` : "", goesOn);
    [this.stages, this.changes] = [stages, changes];
    this.#update(plan);
    this.dispatchEvent(new CustomEvent("edited", { detail: { goesOn: isSame } }));
  }

  /**
   * Whether a change goes on with the one before, which was of the same; else what there is now can be gone back to.
   *
   * @param {string} what
   * @param {boolean} wanted
   */
  #goesOn(what, wanted) {
    const isSame = wanted && what === this.#changing;
    if (!isSame) this.#remember();
    this.#changing = what;
    return isSame;
  }

  #remember() {
    this.#before.push({ stages: this.stages, changes: this.changes, picture: this.picture });
    if (this.#before.length > MOST_CHANGES) this.#before.shift();
  }

  /**
   * The plan of what a person asks for; a mistake if that is more than a page computes.
   *
   * @param {Stage[]} stages
   * @param {Maps} picture
   */
  #allowed(stages, picture) {
    const { isStatic, limits } = this.contents;
    if (isStatic) throw new Mistake("this page shows results, and computes none: it was written with --static");
    const plan = this.#planned(stages, picture);
    if (plan.work > limits.macs) {
      throw new Mistake(`that takes ${grouped(plan.work)} multiply-adds, more than a page computes (${grouped(limits.macs)})`);
    }
    if (plan.values > limits.values) {
      throw new Mistake(`that makes ${grouped(plan.values)} values, more than a page holds (${grouped(limits.values)})`);
    }
    return plan;
  }

  /**
   * What is known of stages before any is computed.
   *
   * @param {Stage[]} stages
   * @param {Maps} picture
   */
  #planned(stages, picture) {
    const plan = new Plan(picture.shape);
    stages.forEach((stage) => plan.add(stage));
    return plan;
  }

  /**
   * Take a plan, and compute what changed.
   *
   * @param {Plan} plan
   */
  #update(plan) {
    this.shapes = plan.shapes;
    this.figures = plan.figures;
    this.mistakes = plan.mistakes;
    this.#fields = plan.fields;
    this.#moves = plan.moves;
    if (this.selection && !this.#isThere(this.selection)) this.selection = this.#nearest(this.selection);
    this.results = [this.picture, ...Array(this.stages.length).fill(null)];
    this.dispatchEvent(new Event("changed"));
    this.ready = this.#compute();
  }

  /** @param {Chosen} selection */
  #isThere({ stage, at }) {
    const shape = this.shapes[stage];
    return shape != null && shape.length === at.length && at.every((index, axis) => index < shape[axis]);
  }

  /**
   * The value nearest to one that is there no more; null where its stage gives none, or a vector for maps.
   *
   * @param {Chosen} selection
   * @returns {Chosen | null}
   */
  #nearest({ stage, at, pinned }) {
    const shape = this.shapes[stage];
    if (shape == null || shape.length !== at.length) return null;
    return { stage, at: at.map((index, axis) => Math.min(index, shape[axis] - 1)), pinned };
  }

  async #compute() {
    const turn = ++this.#turn;
    let begun = performance.now();
    for (const [place, stage] of this.stages.entries()) {
      if (this.shapes[place + 1] === null || stage.reads.some((read) => this.results[read] === null)) continue;
      const inputs = stage.reads.map((read) => /** @type {Maps} */ (this.results[read]));
      let known = this.#known.get(stage);
      if (!known || known.inputs.some((input, each) => input !== inputs[each])) {
        if (performance.now() - begun > PATIENCE) {
          await new Promise((resolve) => setTimeout(resolve));
          if (turn !== this.#turn) return this.ready; // that of what is computed instead
          begun = performance.now();
        }
        try {
          known = { inputs, result: kindOf(stage).compute(stage, inputs) };
        } catch (error) {
          if (!(error instanceof Mistake)) throw error;
          this.mistakes[place + 1] = `stage ${place + 1} (${stage.kind}): ${error.message}`;
          continue;
        }
        this.#known.set(stage, known);
      }
      this.results[place + 1] = known.result;
    }
    const isNew = !this.selection;
    if (isNew) this.selection = this.#something();
    this.dispatchEvent(new Event("computed"));
    if (isNew && this.selection) this.dispatchEvent(new Event("selected")); // views show the results by now
  }

  /**
   * What is looked at where nobody says it: the largest of the last vector, the middle of the last maps.
   *
   * @returns {Chosen | null}
   */
  #something() {
    const stage = this.results.findLastIndex((result) => result !== null);
    const result = this.results[stage];
    if (stage < 1 || !result) return null;
    const { shape, values } = result;
    const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
    const middle = [Math.floor(shape[0] / 2), Math.floor(shape[1] / 2), 0];
    return { stage, at: shape.length === 1 ? [Math.max(0, values.indexOf(largest))] : middle, pinned: false };
  }
}

const model = new Model();
