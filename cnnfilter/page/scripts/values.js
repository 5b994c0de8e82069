// Values of maps at their places, and what kinds of stages share that look at one place at a time.

/**
 * A place with another map, or of a vector another index.
 *
 * @param {Place} at
 * @param {number} map
 */
function inMap(at, map) {
  return [...at.slice(0, -1), map];
}

/**
 * How many values each map has; of a vector each element is one.
 *
 * @param {Shape} shape
 */
function planeSize(shape) {
  return shape.length === 3 ? shape[0] * shape[1] : 1;
}

/**
 * How many maps there are, or elements of a vector.
 *
 * @param {Shape} shape
 */
function countOf(shape) {
  return shape[shape.length - 1];
}

/**
 * Maps of some size, or a vector, all 0.
 *
 * @param {Shape} shape
 * @returns {Maps}
 */
function emptyMaps(shape) {
  return { shape, values: new Float32Array(product(shape)) };
}

/**
 * The sums of the values of each map, as a learned array.
 *
 * @param {Maps} maps
 * @returns {Learned}
 */
function sumsOfMaps(maps) {
  const count = countOf(maps.shape);
  return { shape: [count], values: Float32Array.from(range(count), (map) => sumOf(planeOf(maps, map))) };
}

/**
 * The values of some maps at the place of another; of a vector, of some of its elements.
 *
 * @param {Maps} maps
 * @param {Place} at
 * @param {number} first
 * @param {number} count
 */
function channelsAt(maps, at, first, count) {
  return range(count).map((index) => valueAt(maps, [...at.slice(0, -1), first + index]));
}

/**
 * Which value counts most: the first of the largest magnitude, or of NaN.
 *
 * @param {ArrayLike<number>} values
 */
function mostOf(values) {
  let found = 0;
  let largest = -1;
  for (let index = 0; index < values.length; index++) {
    const size = Number.isNaN(values[index]) ? Infinity : Math.abs(values[index]);
    if (size > largest) [found, largest] = [index, size];
  }
  return found;
}

/**
 * The region of some maps at a place; of a vector, of some of its elements.
 *
 * @param {Place} at
 * @param {number} first
 * @param {number} last
 * @returns {Region}
 */
function regionAcross(at, first, last) {
  if (at.length === 1) return { range: [first, last] };
  return { rows: [at[0], at[0]], columns: [at[1], at[1]], maps: [first, last] };
}

/**
 * The step of a value that only moved; of the constant of padding where it follows none.
 *
 * @param {Place} at
 * @param {number} value
 * @param {Place | null} follows
 * @returns {AnyStep}
 */
function copied(at, value, follows) {
  return { kind: "copy", at, value, follows };
}

/**
 * The step of a function of one or a few values.
 *
 * @param {Place} at
 * @param {number} value
 * @param {Place} follows
 * @param {number[]} inputs
 * @param {string} formula  with the numbers in it
 * @returns {AnyStep}
 */
function functionOf(at, value, follows, inputs, formula) {
  return { kind: "function", at, value, follows, inputs, formula };
}

/**
 * What a kind has whose values are each a function of the one at their place.
 *
 * @param {(stage: Stage, map: number) => (x: number) => number} rule  that of one map
 * @param {(stage: Stage, x: number, map: number) => string} formula  with the numbers in it
 * @param {(stage: Stage, map: number) => (x: number, y: number) => number} slope  that of one map, from x and the value
 */
function valueByValue(rule, formula, slope) {
  return {
    ...sameSize,
    ...slopeBySlope(slope),
    compute: (/** @type {Stage} */ stage, /** @type {Maps[]} */ [{ shape, values }]) => {
      const result = emptyMaps(shape);
      const size = planeSize(shape);
      for (let map = 0, index = 0; map < countOf(shape); map++) {
        const value = rule(stage, map);
        for (const end = index + size; index < end; index++) result.values[index] = value(values[index]);
      }
      return result;
    },
    explain: (/** @type {Stage} */ stage, /** @type {Maps[]} */ [maps], /** @type {Place} */ at,
      /** @type {number} */ value) => {
      const x = valueAt(maps, at);
      return functionOf(at, value, at, [x], formula(stage, x, at[at.length - 1]));
    },
  };
}
