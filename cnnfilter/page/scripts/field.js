// What a value sees: the windows followed back through the stages.

/**
 * The rows or the columns of one axis between two, each `step` apart.
 *
 * @param {Pair} ends
 * @param {number} step
 */
function between([first, last], step) {
  return range(Math.floor((last - first) / step) + 1).map((index) => first + index * step);
}
