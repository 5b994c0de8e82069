// The value that is looked at.

/**
 * @typedef {object} Chosen  the value that is looked at
 * @property {number} stage  its number, counted from 1
 * @property {Place} at
 * @property {boolean} pinned
 */

/**
 * Whether there is such a value.
 *
 * @param {Chosen} selection
 * @param {(Shape | null)[]} shapes
 */
function isThere({ stage, at }, shapes) {
  const shape = shapes[stage];
  return shape != null && shape.length === at.length && at.every((index, axis) => index < shape[axis]);
}

/**
 * The value nearest to one that is there no more; null where its stage gives none, or a vector for maps.
 *
 * @param {Chosen} selection
 * @param {(Shape | null)[]} shapes
 * @returns {Chosen | null}
 */
function nearestTo({ stage, at, pinned }, shapes) {
  const shape = shapes[stage];
  if (shape == null || shape.length !== at.length) return null;
  return { stage, at: at.map((index, axis) => Math.min(index, shape[axis] - 1)), pinned };
}

/**
 * What is looked at where nobody says it: the largest of the last vector, the middle of the last maps.
 *
 * @param {(Maps | null)[]} results
 * @returns {Chosen | null}
 */
function somethingOf(results) {
  const stage = results.findLastIndex((result) => result !== null);
  const result = results[stage];
  if (stage < 1 || !result) return null;
  const { shape, values } = result;
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const middle = [Math.floor(shape[0] / 2), Math.floor(shape[1] / 2), 0];
  return { stage, at: shape.length === 1 ? [Math.max(0, values.indexOf(largest))] : middle, pinned: false };
}
