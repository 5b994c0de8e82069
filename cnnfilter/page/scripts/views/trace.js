// @ts-check
// What stages read, and what of all results before it a value depends on.

/**
 * A block of a result, first and last along each axis: of rows, columns and maps, or of a vector.
 * @typedef {number[][]} Block
 */

/**
 * The block around a region; null of none.
 * @param {Region | null} region
 * @returns {Block | null}
 */
function blockOf(region) {
  if (region === null) return null;
  return region.range ? [region.range] : /** @type {Block} */ ([region.rows, region.columns, region.maps]);
}

/**
 * The sizes of what a stage reads.
 * @param {Model} model
 * @param {number} number
 */
function shapesRead(model, number) {
  return model.stages[number - 1].reads.map((read) => shapeOf(model, read));
}

/**
 * What a value of a stage's result reads of each of its inputs; it may lie outside, in the padding.
 * @param {Model} model
 * @param {number} number
 * @param {Place} at
 */
function regionsRead(model, number, at) {
  const stage = model.stages[number - 1];
  return kindOf(stage).regions(stage, shapesRead(model, number), at);
}

/**
 * What a value depends on in each result up to its own, by number, as far as it lies in the maps.
 * @param {Model} model
 * @param {number} number
 * @param {Place} at
 * @returns {Map<number, Block>}
 */
function wayBack(model, number, at) {
  /** @type {Map<number, Block>} */
  const found = new Map([[number, at.map((index) => [index, index])]]);
  for (let each = number; each > 0; each--) {
    const block = found.get(each);
    if (!block) continue;
    const [firsts, lasts] = [0, 1].map((end) =>
      regionsRead(
        model,
        each,
        block.map((span) => span[end]),
      ).map(blockOf),
    );
    model.stages[each - 1].reads.forEach((read, i) => {
      const [first, last] = [firsts[i] ?? lasts[i], lasts[i] ?? firsts[i]];
      const seen = first && last && within(joinedBlocks(first, last), shapeOf(model, read));
      const known = found.get(read);
      if (seen) found.set(read, known ? joinedBlocks(known, seen) : seen);
    });
  }
  return found;
}

/**
 * The smallest block around two.
 * @param {Block} one
 * @param {Block} other
 * @returns {Block}
 */
function joinedBlocks(one, other) {
  return one.map(([first, last], axis) => [Math.min(first, other[axis][0]), Math.max(last, other[axis][1])]);
}

/**
 * The part of a block that lies in a result; null if none does.
 * @param {Block} block
 * @param {Shape} shape
 * @returns {Block | null}
 */
function within(block, shape) {
  const inside = block.map(([first, last], axis) => [Math.max(0, first), Math.min(shape[axis] - 1, last)]);
  return inside.every(([first, last]) => first <= last) ? inside : null;
}
