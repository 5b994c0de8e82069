// Activations: one function of each value, from the table that Python writes as `ACTIVATIONS`.

/**
 * The complementary error function, 1e-15 off and better: a continued fraction far out, a series near 0.
 *
 * @param {number} x
 * @returns {number}
 */
function erfc(x) {
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (fraction * Math.sqrt(Math.PI));
}

/**
 * How `gelu` changes with x: the share of the normal distribution below x, or what stands for it, and x times its slope.
 *
 * @param {number} x
 * @param {string} approximate
 */
function geluSlope(x, approximate) {
  if (approximate === "none") return erfc(-x / Math.SQRT2) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  const root = Math.sqrt(2 / Math.PI);
  const power = Math.exp(-2 * root * Math.abs(x + 0.044715 * x ** 3));
  const below = (x > 0 ? 1 : power) / (1 + power);
  return below + (2 * x * power * root * (1 + 3 * 0.044715 * x * x)) / (1 + power) ** 2;
}

/**
 * A formula with its numbers: `{x}` is a number as it is, `{(x)}` one in parentheses where it is below 0.
 *
 * @param {string} formula
 * @param {Record<string, any>} numbers
 */
function filledIn(formula, numbers) {
  return formula.replace(/\{(\(?)(\w+)\)?\}/g, (_, bracket, name) => (bracket ? showFactor : show)(numbers[name]));
}

/**
 * @param {string} name
 * @param {any} known  its entry in `ACTIVATIONS`
 * @returns {Kind}
 */
function activationKind(name, known) {
  const parameters = Object.keys(known.parameters);
  /** @param {Stage} stage */
  const given = (stage) => parameters.map((key) => stage.keys[key]);
  return {
    ...sameSize,
    compute(stage, [{ shape, values }]) {
      const [first, second] = given(stage); // a spread in the loop takes three times as long
      const { value } = known;
      const result = new Float32Array(values.length);
      for (let i = 0; i < values.length; i++) result[i] = value(values[i], first, second);
      return { shape, values: result };
    },
    ...slopeBySlope((stage) => {
      const [first, second] = given(stage);
      return (x, y) => known.slope(x, y, first, second);
    }),
    explain(stage, [input], at, value) {
      const x = valueAt(input, at);
      const formula = filledIn(known.worked(x, ...given(stage)), { ...stage.keys, x });
      return { kind: "function", at, value, follows: at, inputs: [x], formula };
    },
    ...worded(name, parameters.map((key) => parameterKey(known, key)), parameters[0]),
  };
}

/**
 * A parameter of an activation as a key of its stage.
 *
 * @param {any} known  the activation's entry in `ACTIVATIONS`
 * @param {string} key
 */
function parameterKey(known, key) {
  const fallback = known.parameters[key];
  return key in known.words ? choiceKey(key, key, known.words[key], fallback) : numberKey(key, key, fallback);
}

for (const [name, known] of Object.entries(ACTIVATIONS)) KINDS[name] = activationKind(name, known);
