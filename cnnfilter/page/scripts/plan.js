/** More than a page computes: no mistake of one stage, but of what is asked for. */
class Excess extends Mistake {}

/** What is known of a network before any of it is computed: by the numbers of the stages, 0 the picture. */
class Plan {
  /** @type {(Shape | null)[]} null of a stage that does not fit, and of those after it */ shapes;
  /** @type {(Figures | null)[]} */ figures = [null];
  /** @type {(string | null)[]} why a stage has no size */ mistakes = [null];
  /** @type {Field[]} */ fields;
  /** @type {Move[]} of the stages, in order */ moves = [];
  /** How many multiply-adds, or operations like them, all stages take. */ work = 0;
  /** How many values all results have. */ values = 0;
  /** @type {number[][]} how many fields there are along each axis, which `flatten` keeps */ #places;

  #limits;

  /**
   * @param {Shape} shape  the picture's
   * @param {{macs: number, values: number}} limits
   */
  constructor(shape, limits) {
    this.#limits = limits;
    this.shapes = [shape];
    this.#places = [placesOf(shape, [])];
    const axes = this.#places[0];
    this.fields = [{ size: axes.map(() => 1), jump: axes.map(() => 1), start: axes.map(() => 0), parts: [] }];
  }

  /**
   * Plan the next stage.
   *
   * @param {Stage} stage
   */
  add(stage) {
    const number = this.shapes.length;
    this.shapes.push(null);
    this.figures.push(null);
    this.mistakes.push(null);
    this.fields.push(this.fields[0]);
    this.#places.push(this.#places[0]);
    this.moves.push({ reads: stage.reads, counts: stage.reads.map(() => []), sights: null, seesAll: false });
    const faulty = stage.reads.find((read) => this.shapes[read] === null);
    if (faulty !== undefined) {
      this.mistakes[number] = `stage ${faulty} has no result`;
      return;
    }
    try {
      this.#fit(number, stage, kindOf(stage), stage.reads.map((read) => /** @type {Shape} */ (this.shapes[read])));
    } catch (error) {
      if (!(error instanceof Mistake) || error instanceof Excess) throw error;
      this.mistakes[number] = `stage ${number} (${stage.kind}): ${error.message}`;
    }
  }

  /** An `Excess` if that is more than the limits. */
  #check() {
    const { macs, values } = this.#limits;
    if (this.work > macs) {
      throw new Excess(`that takes ${grouped(this.work)} multiply-adds, more than a page computes (${grouped(macs)})`);
    }
    if (this.values > values) {
      throw new Excess(`that makes ${grouped(this.values)} values, more than a page holds (${grouped(values)})`);
    }
  }

  /**
   * @param {number} number
   * @param {Stage} stage
   * @param {Kind} kind
   * @param {Shape[]} inputs
   */
  #fit(number, stage, kind, inputs) {
    const output = kind.output(stage, inputs);
    const figures = kind.figures(stage, inputs);
    this.work += kind.work ? kind.work(stage, inputs) : figures.macs;
    this.values += product(output);
    this.#check(); // before fields are followed through windows of any size
    const last = stage.reads[stage.reads.length - 1];
    const input = inputs[inputs.length - 1];
    const places = placesOf(output, this.#places[last]);
    const seesAll = kind.seesAll?.(stage, input) ?? false;
    const own = kind.sights?.(stage, input) ?? null;
    const counts = stage.reads.map((read) => this.#places[read]);
    const sights = seesAll ? this.#places[last].map(wholeSight) : own;
    this.moves[number - 1] = { reads: stage.reads, counts, sights, seesAll };
    const fields = stage.reads.map((read) => this.fields[read]);
    let field = own ? fieldThrough(fields[fields.length - 1], own, places) : joinedField(fields, places);
    if (seesAll && field.jump.some((jump) => jump !== 0)) {
      field = fieldOverAll(this.#places[last], this.moves.slice(0, number));
    }
    this.shapes[number] = output;
    this.figures[number] = figures;
    this.fields[number] = field;
    this.#places[number] = places;
  }
}

/**
 * What is known of stages on a picture of a size; an `Excess` if that is more than some limits.
 *
 * @param {Stage[]} stages
 * @param {Shape} shape
 * @param {{macs: number, values: number}} limits
 */
function planOf(stages, shape, limits = { macs: Infinity, values: Infinity }) {
  const plan = new Plan(shape, limits);
  stages.forEach((stage) => plan.add(stage));
  return plan;
}

/**
 * How many places a result has along each axis: a vector as many as what it was made of.
 *
 * @param {Shape} shape
 * @param {number[]} before
 */
function placesOf(shape, before) {
  return shape.length === 3 ? shape.slice(0, 2) : before;
}

/**
 * What values see that each see all samples of an axis.
 *
 * @param {number} count
 * @returns {Sight}
 */
function wholeSight(count) {
  return { size: count, stride: 1, start: 0, seen: (place) => range(count).map((sample) => place + sample) };
}
