// Which samples of each result a value depends on, those in the padding left out: what `explain` calls regions.

/**
 * @typedef {object} Seen  some maps, rows and columns, ascending; a vector is as many maps of one place
 * @property {number[]} maps
 * @property {number[]} rows
 * @property {number[]} columns
 * @property {boolean} isSeen  false where only padding is: then it holds one sample that nobody looks at
 */

/**
 * What a value takes of the picture and of each stage's result, by number; nothing is there for those it does not need.
 *
 * @param {Stage[]} stages  up to the one whose value it is
 * @param {Shape[]} shapes
 * @param {Place} at
 * @returns {{seen: Map<number, Seen>, taken: Map<number, boolean[]>}}  and which of its inputs each stage takes some of
 */
function seenFrom(stages, shapes, at) {
  const [row, column, map] = at.length === 1 ? [0, 0, at[0]] : at;
  /** @type {Map<number, Seen>} */
  const seen = new Map([[stages.length, { maps: [map], rows: [row], columns: [column], isSeen: true }]]);
  const taken = new Map();
  for (let number = stages.length; number > 0; number--) {
    const region = seen.get(number);
    if (!region) continue;
    const stage = stages[number - 1];
    const asked = seenOfInputs(stage, stage.reads.map((read) => shapes[read]), shapes[number], region);
    taken.set(number, asked.map((each) => each !== null));
    stage.reads.forEach((read, place) => {
      const each = asked[place];
      if (each) seen.set(read, both(seen.get(read), each));
    });
  }
  return { seen, taken };
}

/**
 * What a region of a result takes of each input of its stage.
 *
 * @param {Stage} stage
 * @param {Shape[]} inputs
 * @param {Shape} output
 * @param {Seen} region
 * @returns {(Seen | null)[]}
 */
function seenOfInputs(stage, inputs, output, region) {
  const { regions } = kindOf(stage);
  /** @param {number} map @param {number} row @param {number} column */
  const of = (map, row, column) =>
    regions.call(kindOf(stage), stage, inputs, output.length === 1 ? [map] : [row, column, map]);
  const [row, column] = [region.rows[0], region.columns[0]];
  const byMap = region.maps.map((map) => ({ map, each: of(map, row, column) }));
  return inputs.map((shape, place) => {
    const takers = byMap.filter(({ each }) => each[place]);
    if (!takers.length) return null;
    const found = takers.map(({ each }) => /** @type {Region} */ (each[place]));
    const maps = allOf(distinct(found.map((each) => each.range ?? each.maps ?? [0, 0])).map((pair) => between(pair, 1)));
    if (shape.length === 1) return { maps, rows: [0], columns: [0], isSeen: region.isSeen };
    // where a vector is made of maps, each of its values may have a place of its own; else that depends on the axis alone
    const [{ map }] = takers;
    const alongRows = output.length === 1 ? found : region.rows.map((y) => of(map, y, column)[place]);
    const alongColumns = output.length === 1 ? found : region.columns.map((x) => of(map, row, x)[place]);
    const rows = allOf(alongRows.map((each) => insideOf(each, 0, shape[0])));
    const columns = allOf(alongColumns.map((each) => insideOf(each, 1, shape[1])));
    const isSeen = region.isSeen && rows.length > 0 && columns.length > 0;
    return { maps, rows: rows.length ? rows : [0], columns: columns.length ? columns : [0], isSeen };
  });
}

/**
 * The samples of an axis that a region takes, those that its border repeats among them.
 *
 * @param {Region | null} region
 * @param {number} axis
 * @param {number} n
 */
function insideOf(region, axis, n) {
  const pair = axis === 0 ? region?.rows : region?.columns;
  if (!region || !pair) return [];
  const places = between(pair, region.step?.[axis] ?? 1);
  return places.map((place) => sampleAt(place, n, region.border ?? "zeros")).filter((sample) => sample >= 0);
}

/**
 * The numbers between two, each `step` apart.
 *
 * @param {Pair} ends
 * @param {number} step
 */
function between([first, last], step) {
  return range(Math.floor((last - first) / step) + 1).map((index) => first + index * step);
}

/**
 * Some pairs, each once: a full convolution's maps all read the same ones.
 *
 * @param {Pair[]} pairs
 */
function distinct(pairs) {
  return [...new Map(pairs.map((pair) => [pair.join(), pair])).values()];
}

/**
 * All numbers of some lists, ascending.
 *
 * @param {number[][]} lists
 */
function allOf(lists) {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

/**
 * The smallest region that holds two; of one that is not seen, the other.
 *
 * @param {Seen | undefined} one
 * @param {Seen} other
 * @returns {Seen}
 */
function both(one, other) {
  if (!one) return other;
  if (!one.isSeen || !other.isSeen) return one.isSeen ? one : other;
  const [maps, rows, columns] = [united(one.maps, other.maps), united(one.rows, other.rows), united(one.columns, other.columns)];
  return { maps, rows, columns, isSeen: true };
}
