// Where the gradient of a loss goes: the deltas of what stages give, from the loss back to the picture.

/** @typedef {{loss: string, target: string}} Aim  which loss is looked at, and the text of what is right */

/**
 * @typedef {object} Backed  a loss, and its deltas
 * @property {WorkedLoss} worked
 * @property {number} last  the stage whose result the loss is made of
 * @property {(Maps | null)[]} deltas  of results by their stages' numbers; null where the loss does not depend on one
 * @property {Gradients[]} gradients  of what stages have learned, by their numbers
 */

/**
 * The stage whose result a loss is made of: the last, unless it is what the loss is after.
 *
 * @param {Stage[]} stages
 * @param {Loss} loss
 */
function scoredStage(stages, { after }) {
  const last = stages.length;
  const [end] = stages.slice(-1);
  return last > 1 && end.kind === after && end.reads[0] === last - 1 ? last - 1 : last;
}

/**
 * A loss of what a network makes of its picture, worked out.
 *
 * @param {Model} model
 * @param {Aim} aim
 * @returns {{worked: WorkedLoss, last: number}}
 */
function lossOf({ stages, shapes, results, contents }, { loss, target }) {
  const shape = shapes[stages.length];
  if (!shape || !results[stages.length]) {
    throw new Mistake("the network has no result, so that there is no loss to explain");
  }
  if (shape.length > 1) {
    const given = showShape(shape);
    throw new Mistake(`a loss is explained of a network that gives a vector, not ${given}; end it in flatten`);
  }
  const last = scoredStage(stages, LOSSES[loss]);
  const values = Array.from(/** @type {Maps} */ (results[last]).values);
  if (!values.every(Number.isFinite)) {
    throw new Mistake("the network's result is not finite, so that there is no loss to explain");
  }
  const labels = contents.labels.length === shape[0] ? contents.labels : null;
  return { worked: workedLoss(loss, values, readTarget(target, labels)), last };
}

/**
 * What a stage reads and gives.
 *
 * @param {Model} model
 * @param {number} number
 * @returns {[Maps[], Maps]}
 */
function seenBy(model, number) {
  const of = (/** @type {number} */ each) => /** @type {Maps} */ (model.results[each]);
  return [model.stage(number).reads.map(of), of(number)];
}

/**
 * Add the deltas of what a stage reads to those that are known.
 *
 * @param {Model} model
 * @param {number} number
 * @param {(Maps | null)[]} deltas
 */
function passBack(model, number, deltas) {
  const delta = deltas[number];
  if (!delta) return;
  const stage = model.stage(number);
  const [inputs, output] = seenBy(model, number);
  kindOf(stage).deltas(stage, inputs, output, delta).forEach((back, each) => {
    const read = stage.reads[each];
    const known = deltas[read];
    deltas[read] = known ? { shape: back.shape, values: back.values.map((value, i) => value + known.values[i]) } : back;
  });
}

/**
 * How a loss changes with what a stage has learned.
 *
 * @param {Model} model
 * @param {number} number
 * @param {Maps | null} delta
 * @returns {Gradients}
 */
function gradientsOf(model, number, delta) {
  const stage = model.stage(number);
  return (delta && kindOf(stage).gradients?.(stage, seenBy(model, number)[0], delta)) ?? {};
}

/**
 * A loss, its deltas and gradients. It stops again and again, so that the page may answer in between.
 *
 * @param {Model} model
 * @param {Aim} aim
 * @returns {Generator<void, Backed>}
 */
function* backedLoss(model, aim) {
  const { worked, last } = lossOf(model, aim);
  /** @type {(Maps | null)[]} */
  const deltas = Array(model.stages.length + 1).fill(null);
  deltas[last] = { shape: [worked.deltas.length], values: Float32Array.from(worked.deltas) };
  /** @type {Gradients[]} */
  const gradients = range(deltas.length).map(() => ({}));
  for (let number = last; number > 0; number--) {
    passBack(model, number, deltas);
    yield;
    gradients[number] = gradientsOf(model, number, deltas[number]);
    yield;
  }
  return { worked, last, deltas, gradients };
}

/**
 * What a delta is the sum of: of each stage that reads the value, each delta of its result times how much that changes.
 *
 * @param {Model} model
 * @param {Backed} backed
 * @param {number} number
 * @param {Place} at
 * @returns {{number: number, terms: {at: Place, delta: number, slope: number}[]}[]}
 */
function partsOfDelta(model, { deltas, last }, number, at) {
  return model.stages.slice(0, last).flatMap((stage, place) => {
    const delta = deltas[place + 1];
    if (!delta || !stage.reads.includes(number)) return [];
    const [inputs, output] = seenBy(model, place + 1);
    return stage.reads.flatMap((read, each) => (read === number
      ? [{
        number: place + 1,
        terms: kindOf(stage).slopes(stage, inputs, output, each, at)
          .map(({ at: there, slope }) => ({ at: there, delta: valueAt(delta, there), slope })),
      }]
      : []));
  });
}

/** Where the value of the largest magnitude is. @param {Maps} maps @returns {Place} */
function largestPlace({ shape, values }) {
  return unflattened(shape, mostOf(values));
}

/** Where the learned number of the largest magnitude is, along each axis. @param {Learned} array */
function largestIndex({ shape, values }) {
  let rest = mostOf(values);
  return shape.map((_, axis) => {
    const below = product(shape.slice(axis + 1));
    const index = Math.floor(rest / below);
    rest -= index * below;
    return index;
  });
}

/** The root of the mean square. @param {Float32Array} values */
function rootMeanSquare(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/**
 * @typedef {object} WeightGradient  the sum of each delta times the sample that a weight met
 * @property {number[]} at
 * @property {number} weight
 * @property {Met} met
 * @property {Float64Array} products
 * @property {number} gradient
 */

/**
 * The gradient of one weight.
 *
 * @param {Model} model
 * @param {Backed} backed
 * @param {number} number  the stage's
 * @param {number[]} at
 * @returns {WeightGradient}
 */
function weightGradient(model, { deltas }, number, at) {
  const stage = model.stage(number);
  const told = kindOf(stage).weights;
  const named = `stage ${number} (${stage.kind}): `;
  if (!told) throw new Mistake(`${named}it has no weights that are told one by one; conv:N@HxW and dense have`);
  if (!stage.learned.weight) {
    const others = "those of conv:N@HxW, or from a file of weights, are";
    throw new Mistake(`${named}its kernels are constant, and not learned; ${others}`);
  }
  const { shape } = stage.learned.weight;
  if (at.length !== shape.length || at.some((place, axis) => !(place >= 0 && place < shape[axis]))) {
    const axes = shape.length === 4 ? "FILTER,CHANNEL,ROW,COL" : "UNIT,INPUT";
    const told = `one is told as ${axes}, counted from 0, of ${showShape(shape)}`;
    throw new Mistake(`${named}there is no weight ${at}: ${told}`);
  }
  const delta = deltas[number];
  if (!delta) throw new Mistake(`${named}the result does not depend on it`);
  const met = told.met(stage, /** @type {Maps} */ (model.results[stage.reads[0]]), at, delta);
  const products = met.deltas.map((each, index) => each * met.samples[index]);
  return { at, weight: told.value(stage, at), met, products, gradient: sumOf(products) };
}

/** A loss that is looked at, and its gradients, computed while somebody does. It tells "told" when they are known. */
class Backward extends EventTarget {
  /** @type {Aim | null} */ aim = null;
  /** @type {Backed | null} */ backed = null;
  /** Why there is none. */ mistake = "";
  /** @type {Promise<void>} settled when it is known */ ready = Promise.resolve();
  #model;
  #turn = 0;

  /** @param {Model} model */
  constructor(model) {
    super();
    this.#model = model;
    model.addEventListener("changed", () => this.#forget());
    model.addEventListener("computed", () => this.aim && this.look(this.aim));
  }

  /**
   * Look at a loss, or at none.
   *
   * @param {Aim | null} aim
   */
  look(aim) {
    this.aim = aim;
    this.#forget();
    this.ready = this.#find(this.#turn);
  }

  #forget() {
    this.#turn++;
    [this.backed, this.mistake] = [null, ""];
  }

  /** @param {number} turn */
  async #find(turn) {
    const model = this.#model;
    try {
      if (this.aim) {
        if (model.contents.isStatic) throw new Mistake(STATIC);
        if (!model.results[model.stages.length] && !model.mistakes.some(Boolean)) return; // it is being computed
        const passing = backedLoss(model, this.aim);
        let begun = performance.now();
        let passed = passing.next();
        while (!passed.done) {
          if (performance.now() - begun > PATIENCE) {
            await new Promise((resolve) => setTimeout(resolve));
            if (turn !== this.#turn) return;
            begun = performance.now();
          }
          passed = passing.next();
        }
        this.backed = passed.value;
      }
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.mistake = error.message;
    }
    this.dispatchEvent(new Event("told"));
  }
}

const backward = new Backward(model);
