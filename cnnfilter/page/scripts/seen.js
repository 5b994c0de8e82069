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
  const kind = kindOf(stage);
  /** @param {number} map @param {number} row @param {number} column */
  const of = (map, row, column) => kind.regions(stage, inputs, output.length === 1 ? [map] : [row, column, map]);
  const [row, column] = [region.rows[0], region.columns[0]];
  const byMap = region.maps.map((map) => ({ map, each: of(map, row, column) }));
  return inputs.map((shape, place) => {
    const takers = byMap.filter(({ each }) => each[place]);
    if (!takers.length) return kind.sights ? { maps: [0], rows: [0], columns: [0], isSeen: false } : null;
    const found = takers.map(({ each }) => /** @type {Region} */ (each[place]));
    const maps = allOf(distinct(found.map((each) => each.range ?? each.maps ?? [0, 0])).map((pair) => between(pair, 1)));
    if (shape.length === 1) return { maps, rows: [0], columns: [0], isSeen: region.isSeen };
    const [rows, columns] = [0, 1].map((axis) => {
      const places = axis ? region.columns : region.rows;
      if (kind.sights) return insideOf(places.flatMap(kind.sights(stage, shape)[axis].seen), shape[axis], stage.keys.border);
      // where a vector is made of maps, each of its values may have a place of its own; else that depends on the axis alone
      const [{ map }] = takers;
      const each = output.length === 1 ? found : places.map((at) => (axis ? of(map, row, at) : of(map, at, column))[place]);
      return insideOf(each.flatMap((one) => between((axis ? one?.columns : one?.rows) ?? [0, -1], 1)), shape[axis]);
    });
    const isSeen = region.isSeen && rows.length > 0 && columns.length > 0;
    return { maps, rows: rows.length ? rows : [0], columns: columns.length ? columns : [0], isSeen };
  });
}

/**
 * The samples of an axis that stand at some places in or outside of it, ascending: those that a border repeats.
 *
 * @param {number[]} places
 * @param {number} n
 * @param {string} [border]
 */
function insideOf(places, n, border = "zeros") {
  return allOf([places.map((place) => sampleAt(place, n, border)).filter((sample) => sample >= 0)]);
}

/**
 * The numbers between two, each `step` apart.
 *
 * @param {Pair} ends
 * @param {number} step
 */
function between([first, last], step) {
  const numbers = [];
  for (let number = first; number <= last; number += step) numbers.push(number);
  return numbers;
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
