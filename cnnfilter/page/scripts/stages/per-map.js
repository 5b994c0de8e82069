// Stages with learned numbers for each map, or for each element of a vector: batchnorm and prelu.

/**
 * Learned numbers by their role; without, what learning begins with.
 *
 * @param {Stage} stage
 * @param {string} role
 * @param {number} initial
 * @returns {(map: number) => number}
 */
function numbersOf(stage, role, initial) {
  const known = stage.learned[role]?.values;
  return known ? (map) => known[known.length === 1 ? 0 : map] : () => initial;
}

/**
 * Throw a mistake if learned numbers are not as many as they must be.
 *
 * @param {Stage} stage
 * @param {number} count
 */
function checkLearned(stage, count) {
  for (const [role, { values }] of Object.entries(stage.learned)) {
    if (values.length !== count) throw new Mistake(`its ${role} is ${values.length}, but it must be ${count}`);
  }
}

/**
 * The sum, for each map, of what is made of each sample and its delta.
 *
 * @param {Maps} maps
 * @param {Maps} delta
 * @param {(map: number) => (x: number, delta: number) => number} rule
 * @returns {Learned}
 */
function mapByMap(maps, delta, rule) {
  const count = countOf(maps.shape);
  const values = Float32Array.from(range(count), (map) => {
    const [of, deltas] = [rule(map), planeOf(delta, map)];
    return planeOf(maps, map).reduce((sum, x, index) => sum + of(x, deltas[index]), 0);
  });
  return { shape: [count], values };
}

/**
 * Whether a stage has the learned numbers of a control.
 *
 * @param {string} key
 * @returns {(stage: Stage) => boolean}
 */
function isKnown(key) {
  return ({ learned }) => key.slice("learned.".length) in learned;
}

/**
 * What follows from the keys of a stage whose numbers are learned: see `worded`. Of a new one, they are what learning
 * begins with, whatever `random` says.
 *
 * @param {string} kind
 * @param {Key[]} keys
 * @param {Control[]} controls  of its learned numbers
 * @returns {Pick<Kind, "text" | "parse" | "controls">}
 */
function wordedLearned(kind, keys, controls) {
  /** @type {Key} */
  const random = {
    key: "random",
    fallback: null,
    read: (text) => readWhole(text, "random", 0, 999_999_999),
    show: String,
    control: { label: "Seed", type: "whole" },
  };
  const plain = worded(kind, keys);
  return {
    text: (stage) => [plain.text(stage), ...stage.keys.numbers].join(":"),
    parse(text) {
      const { random: seed, ...rest } = worded(kind, [...keys, random]).parse(text).keys;
      if (seed === null) {
        throw new Mistake(`${kind} has no learned numbers; random=1 gives those that learning begins with`);
      }
      return { keys: { ...rest, numbers: [`random=${seed}`] } };
    },
    controls: [...plain.controls, ...controls.map((each) => ({ ...each, when: isKnown(each.key) }))],
  };
}

/**
 * The numbers of a batch normalisation for a map.
 *
 * @param {Stage} stage
 */
function normalization(stage) {
  const [weight, bias, mean, variance] = [
    numbersOf(stage, "weight", 1), numbersOf(stage, "bias", 0),
    numbersOf(stage, "running_mean", 0), numbersOf(stage, "running_var", 1),
  ];
  return (/** @type {number} */ map) =>
    ({ weight: weight(map), bias: bias(map), mean: mean(map), variance: variance(map) });
}

KINDS.batchnorm = {
  ...valueByValue((stage, map) => {
    const { weight, bias, mean, variance } = normalization(stage)(map);
    const deviation = Math.sqrt(variance + stage.keys.epsilon);
    return (x) => ((x - mean) / deviation) * weight + bias;
  }, (stage, x, map) => {
    const { weight, bias, mean, variance } = normalization(stage)(map);
    const share = `(${show(x)} - ${showFactor(mean)}) / sqrt(${show(variance)} + ${show(stage.keys.epsilon)})`;
    return `${share} * ${showFactor(weight)}${showTerm(bias)}`;
  }, (stage, map) => {
    const { weight, variance } = normalization(stage)(map);
    return () => weight / Math.sqrt(variance + stage.keys.epsilon);
  }),
  output(stage, [shape]) {
    checkLearned(stage, countOf(shape));
    const variances = stage.learned.running_var?.values ?? [1];
    const map = variances.findIndex((variance) => !(variance + stage.keys.epsilon > 0));
    if (map >= 0) {
      throw new Mistake(`the running_var of map ${map} is ${show(variances[map])}; with the epsilon of ` +
        `${showNumber(stage.keys.epsilon)} it must be above 0`);
    }
    return shape;
  },
  gradients(stage, [maps], delta) {
    const weight = mapByMap(maps, delta, (map) => {
      const { mean, variance } = normalization(stage)(map);
      const deviation = Math.sqrt(variance + stage.keys.epsilon);
      return (x, each) => (each * (x - mean)) / deviation;
    });
    return { weight, bias: sumsOfMaps(delta) };
  },
  figures(_, [shape]) {
    const parameters = 2 * countOf(shape);
    return { parameters, macs: parameters, arithmetic: `params: 2*${countOf(shape)} = ${parameters}` };
  },
  ...wordedLearned("batchnorm", [numberKey("epsilon", "Epsilon", 1e-5, { least: 0 })], [
    { key: "learned.weight", label: "Weights", type: "weights" },
    { key: "learned.bias", label: "Biases", type: "weights" },
    { key: "learned.running_mean", label: "Means", type: "weights" },
    { key: "learned.running_var", label: "Variances", type: "weights" },
  ]),
};

const ONE = switchKey("shared", "One slope for all maps", false);

/** @type {Key} */
const SHARED = { ...ONE, control: { ...ONE.control, when: ({ learned }) => !learned.weight } };

KINDS.prelu = {
  ...valueByValue((stage, map) => {
    const slope = numbersOf(stage, "weight", 0.25)(map);
    return (x) => (x >= 0 ? x : slope * x);
  }, (stage, x, map) => {
    const slope = numbersOf(stage, "weight", 0.25)(map);
    return x >= 0 ? show(x) : `${showFactor(slope)} * ${showFactor(x)}`;
  }, (stage, map) => {
    const slope = numbersOf(stage, "weight", 0.25)(map);
    return (x) => (x > 0 ? 1 : slope);
  }),
  output(stage, [shape]) {
    if (slopes(stage, shape) > 1) checkLearned(stage, countOf(shape));
    return shape;
  },
  gradients(stage, [maps], delta) {
    const weight = mapByMap(maps, delta, () => (x, each) => (x > 0 ? 0 : each * x));
    if (slopes(stage, maps.shape) > 1) return { weight };
    return { weight: { shape: [1], values: Float32Array.of(sumOf(weight.values)) } };
  },
  figures(stage, [shape]) {
    const parameters = slopes(stage, shape);
    return { parameters, macs: parameters, arithmetic: `params: ${parameters}` };
  },
  ...wordedLearned("prelu", [SHARED],
    [{ key: "learned.weight", label: "Slopes", type: "weights" }]),
};

/**
 * How many slopes a parametric ReLU has.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 */
function slopes(stage, shape) {
  return stage.keys.shared || stage.learned.weight?.values.length === 1 ? 1 : countOf(shape);
}
