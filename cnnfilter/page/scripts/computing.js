// The results of all stages, of which those that did not change are not computed again.

const PATIENCE = 40; // milliseconds of computing before the page may answer again

/** What was computed of each stage, and of what: stages and results are never changed, so that the same are known. */
class Computing {
  /** @type {WeakMap<Stage, {inputs: Maps[], result: Maps}>} */ #known = new WeakMap();
  #turn = 0;

  /**
   * Take a stage's result as it is, whatever it reads.
   *
   * @param {Stage} stage
   * @param {Maps} result
   */
  know(stage, result) {
    this.#known.set(stage, { inputs: [], result });
  }

  /**
   * Compute all stages, a few at once if that takes long. What fails is written into the plan's mistakes.
   *
   * @param {Stage[]} stages
   * @param {Plan} plan
   * @param {(Maps | null)[]} results  where they are written, behind the picture
   * @returns {boolean | Promise<boolean>} whether nothing else was to be computed meanwhile; no promise where that took no time
   */
  all(stages, plan, results) {
    const turn = ++this.#turn;
    const goOn = (/** @type {number} */ first) => {
      const begun = performance.now();
      for (let place = first; place < stages.length; place++) {
        if (this.#compute(stages[place], place + 1, plan, results) && performance.now() - begun > PATIENCE) return place + 1;
      }
      return stages.length;
    };
    const done = goOn(0);
    return done === stages.length || this.#later(done, stages.length, goOn, turn);
  }

  /**
   * @param {number} first
   * @param {number} count
   * @param {(first: number) => number} goOn
   * @param {number} turn
   */
  async #later(first, count, goOn, turn) {
    for (let done = first; done < count; done = goOn(done)) {
      await new Promise((resolve) => setTimeout(resolve));
      if (turn !== this.#turn) return false;
    }
    return true;
  }

  /**
   * Write a stage's result; whether it had to be computed.
   *
   * @param {Stage} stage
   * @param {number} number
   * @param {Plan} plan
   * @param {(Maps | null)[]} results
   */
  #compute(stage, number, plan, results) {
    if (plan.shapes[number] === null || stage.reads.some((read) => results[read] === null)) return false;
    const inputs = stage.reads.map((read) => /** @type {Maps} */ (results[read]));
    const known = this.#known.get(stage);
    if (known && known.inputs.every((input, each) => input === inputs[each])) {
      results[number] = known.result;
      return false;
    }
    try {
      const result = kindOf(stage).compute(stage, inputs);
      this.#known.set(stage, { inputs, result });
      results[number] = result;
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      plan.mistakes[number] = `stage ${number} (${stage.kind}): ${error.message}`;
    }
    return true;
  }
}
