// Where the gradient of a loss goes: the deltas of what stages give, from the loss back to the picture.

/** @typedef {{loss: string, target: string}} Aim  which loss is looked at, by its name, and the text of what is right */

/**
 * @typedef {object} Backed  a loss, and its deltas
 * @property {WorkedLoss} worked
 * @property {number} last  the stage whose result the loss is made of
 * @property {(Maps | null)[]} deltas  of results by their stages' numbers; null where the loss does not depend on one
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
  if (!shape || !results[stages.length]) throw new Mistake("the network has no result, so that there is no loss to explain");
  if (shape.length > 1) {
    throw new Mistake(`a loss is explained of a network that gives a vector, not ${showShape(shape)}; end it in flatten`);
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
 * The deltas of what a stage reads, added to those that are known.
 *
 * @param {Model} model
 * @param {number} number
 * @param {(Maps | null)[]} deltas
 */
function passBack(model, number, deltas) {
  const delta = deltas[number];
  if (!delta) return;
  const stage = model.stage(number);
  const [inputs, output] = [stage.reads, [number]].map((each) => each.map((read) => /** @type {Maps} */ (model.results[read])));
  kindOf(stage).deltas(stage, inputs, output[0], delta).forEach((back, each) => {
    const read = stage.reads[each];
    const known = deltas[read];
    deltas[read] = known ? { shape: back.shape, values: back.values.map((value, i) => value + known.values[i]) } : back;
  });
}

/**
 * A loss and its deltas. It stops behind each stage, so that the page may answer in between.
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
  for (let number = last; number > 0; number--) {
    passBack(model, number, deltas);
    yield;
  }
  return { worked, last, deltas };
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
    const inputs = stage.reads.map((read) => /** @type {Maps} */ (model.results[read]));
    const output = /** @type {Maps} */ (model.results[place + 1]);
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

/** The root of the mean square. @param {Float32Array} values */
function rootMeanSquare(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/**
 * @typedef {object} WeightGradient  the gradient of one weight: the sum of each delta times the sample that the weight met
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
    throw new Mistake(`${named}its kernels are constant, and not learned; those of conv:N@HxW, or from a file of weights, are`);
  }
  const { shape } = stage.learned.weight;
  if (at.length !== shape.length || at.some((place, axis) => !(place >= 0 && place < shape[axis]))) {
    const axes = shape.length === 4 ? "FILTER,CHANNEL,ROW,COL" : "UNIT,INPUT";
    throw new Mistake(`${named}there is no weight ${at}: one is told as ${axes}, counted from 0, of ${showShape(shape)}`);
  }
  const delta = deltas[number];
  if (!delta) throw new Mistake(`${named}the result does not depend on it`);
  const met = told.met(stage, /** @type {Maps} */ (model.results[stage.reads[0]]), at, delta);
  const products = met.deltas.map((each, index) => each * met.samples[index]);
  return { at, weight: told.value(stage, at), met, products, gradient: sumOf(products) };
}

/**
 * A place or a shape with that of the maps first, as arrays have it.
 *
 * @param {number[]} axes
 */
function mapsFirst(axes) {
  return axes.length === 1 ? axes : [axes[2], axes[0], axes[1]];
}

/**
 * A loss as `cnnfilter explain --target --json` prints it, of gradients those of results.
 *
 * @param {Model} model
 * @param {Aim} aim
 * @param {number[] | null} weight  a stage's number, and the place of one of its weights
 * @param {number} rate
 * @returns {Record<string, any>}
 */
function lossRecord(model, aim, weight, rate) {
  const passing = backedLoss(model, aim);
  let passed = passing.next();
  while (!passed.done) passed = passing.next();
  const backed = passed.value;
  const last = model.stages.length;
  const { deltas, unit: _, name, ...told } = backed.worked;
  const steps = range(last + 1).reverse().flatMap((number) => {
    const maps = backed.deltas[number];
    if (!maps) return [];
    const at = largestPlace(maps);
    const own = {
      shape: mapsFirst(maps.shape), largest: valueAt(maps, at), at: mapsFirst(at), rms: rootMeanSquare(maps.values),
      values: [...maps.values],
    };
    const stage = number ? model.stage(number) : null;
    return [{ number, name: stage?.name ?? null, stage: stage ? listedText(model.stages, number) : "picture", gradients: { deltas: own } }];
  });
  const record = {
    stages: networkText(model.stages, model.contents.groups), input: model.shapes[0], output: model.shapes[last],
    loss: { loss: name, ...told, base: LOSSES[name].after ? "e" : null }, deltas, steps,
  };
  if (!weight) return record;
  const [number, ...at] = weight;
  const { met, products, gradient, weight: value } = weightGradient(model, backed, number, at);
  return {
    ...record,
    weight: {
      number, name: model.stage(number).name, stage: listedText(model.stages, number), at, weight: value,
      places: range(products.length).map(met.place), deltas: [...met.deltas], inputs: [...met.samples],
      products: [...products], gradient, rate, stepped: value - rate * gradient,
    },
  };
}

/** A loss that is looked at, and its deltas, which are computed while somebody does. It tells "told" when they are known. */
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
        if (model.contents.isStatic) throw new Mistake("this page shows results, and computes none: it was written with --static");
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
