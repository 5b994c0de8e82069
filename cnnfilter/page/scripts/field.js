// The receptive field: what a value sees of the picture, in samples, those in the padding too. `network/field.py` says
// the same in Python, and why.

/**
 * @typedef {object} Move  how a stage gets its result, as far as places matter
 * @property {number[]} reads  numbers of what it reads, 0 the picture
 * @property {Shape[]} counts  how many places each of these has along each axis
 * @property {Sight[] | null} sights  null where each value sees the sample at its own place
 * @property {boolean} seesAll
 */

/** @typedef {Pair} Extent  the first sample along an axis and the last; [0, -1] of none */

/**
 * @typedef {object} Field  the fields of all values of a result; a number for each axis
 * @property {number[]} size  samples that one value sees
 * @property {number[]} jump  from one value's field to the next one's
 * @property {number[]} start  where the first value's field begins
 * @property {Field[]} parts  those that are carried on side by side, where branches met that lie unequally far apart
 */

/**
 * The field of what is made of several results, of so many values along each axis.
 *
 * @param {Field[]} fields
 * @param {number[]} counts
 * @returns {Field}
 */
function joinedField(fields, counts) {
  /** @type {Map<string, Field>} */
  const byJump = new Map();
  for (const each of fields.flatMap((field) => (field.parts.length ? field.parts : [field]))) {
    const known = byJump.get(each.jump.join()) ?? each;
    const start = each.start.map((begin, axis) => Math.min(begin, known.start[axis]));
    const end = each.start.map((begin, axis) => Math.max(begin + each.size[axis], known.start[axis] + known.size[axis]));
    byJump.set(each.jump.join(), { size: end.map((last, axis) => last - start[axis]), jump: each.jump, start, parts: [] });
  }
  const parts = [...byJump.values()];
  if (parts.length === 1) return parts[0];
  const extents = [counts.map(() => 0), counts.map((count) => count - 1)].map((place) => partsExtent(parts, place));
  const size = counts.map((_, axis) => Math.max(...extents.map((ends) => ends[axis][1] - ends[axis][0])) + 1);
  const jump = counts.map((_, axis) => Math.max(...parts.map((part) => part.jump[axis])));
  return { size, jump, start: extents[0].map(([begin]) => begin), parts };
}

/**
 * The field after a stage that gives so many values along each axis.
 *
 * @param {Field} field
 * @param {Sight[]} sights
 * @param {number[]} counts
 * @returns {Field}
 */
function fieldThrough(field, sights, counts) {
  if (field.parts.length) return joinedField(field.parts.map((part) => fieldThrough(part, sights, counts)), counts);
  return {
    size: sights.map((sight, axis) => field.size[axis] + (sight.size - 1) * field.jump[axis]),
    jump: sights.map((sight, axis) => field.jump[axis] * sight.stride),
    start: sights.map((sight, axis) => field.start[axis] + sight.start * field.jump[axis]),
    parts: [],
  };
}

/**
 * The field of values that each see all of some maps: neighbours see the same.
 *
 * @param {number[]} counts  the maps' size along each axis
 * @param {Move[]} moves  of all stages up to the one that sees all
 * @returns {Field}
 */
function fieldOverAll(counts, moves) {
  let spans = counts.map((count, axis) => {
    /** @type {Map<number, number[]>} */
    const places = new Map(moves[moves.length - 1].reads.map((read) => [read, range(count)]));
    for (let number = moves.length - 1; number > 0; number--) {
      const wanted = places.get(number) ?? [];
      const move = moves[number - 1];
      move.reads.forEach((read, each) => {
        places.set(read, united(places.get(read) ?? [], touchedBy(move, each, axis, wanted)));
      });
    }
    const seen = places.get(0) ?? [];
    return seen.length ? [seen[0], seen[seen.length - 1] - seen[0] + 1] : [0, 0];
  });
  if (spans.some(([, size]) => size === 0)) spans = spans.map(() => [0, 0]); // along one axis all lies in the padding
  return { size: spans.map(([, size]) => size), jump: spans.map(() => 0), start: spans.map(([first]) => first), parts: [] };
}

/**
 * First and last sample, on each axis, of what the value at a place sees; of fractions, at most these.
 *
 * @param {Field} field
 * @param {number[]} place
 * @returns {Extent[]}
 */
function fieldExtent(field, place) {
  return partsExtent(field.parts.length ? field.parts : [field], place);
}

/**
 * @param {Field[]} parts
 * @param {number[]} place
 * @returns {Extent[]}
 */
function partsExtent(parts, place) {
  return place.map((index, axis) => {
    const firsts = parts.map(({ start, jump }) => start[axis] + index * jump[axis]);
    const lasts = parts.map(({ size }, each) => firsts[each] + size[axis] - 1);
    return [Math.min(...firsts.map(Math.floor)), Math.max(...lasts.map(Math.ceil))];
  });
}

/**
 * First and last sample, on each axis, of what the value at a place sees of the picture.
 *
 * @param {Move[]} moves  of all stages up to the one whose value it is
 * @param {number[]} place
 * @returns {Extent[]}
 */
function extentOf(moves, place) {
  /** @type {Map<number, Extent[]>} */
  const wholes = new Map();
  const found = place.map((index, axis) => {
    /** @type {Map<number, Extent>} */
    const places = new Map([[moves.length, [index, index]]]);
    /** @param {number} read @param {Extent | null} seen */
    const meet = (read, seen) => {
      if (!seen || seen[1] < seen[0]) return;
      const [first, last] = places.get(read) ?? seen;
      places.set(read, [Math.min(first, seen[0]), Math.max(last, seen[1])]);
    };
    for (let number = moves.length; number > 0; number--) {
      const wanted = places.get(number);
      if (!wanted) continue;
      const move = moves[number - 1];
      if (move.seesAll) {
        if (!wholes.has(number)) wholes.set(number, fieldExtent(fieldOverAll(move.counts[0], moves.slice(0, number)), place));
        meet(0, /** @type {Extent[]} */ (wholes.get(number))[axis]);
        continue;
      }
      move.reads.forEach((read, each) => {
        const seen = move.sights ? sightExtent(move.sights[axis], wanted) : wanted;
        meet(read, seen && meetsAll(move, each, axis) ? [0, 0] : seen);
      });
    }
    return places.get(0) ?? /** @type {Extent} */ ([0, -1]);
  });
  return found.some(([first, last]) => last < first) ? found.map(() => [0, -1]) : found;
}

/**
 * The first and the last sample that values from one place to another see; null if they see none.
 *
 * @param {Sight} sight
 * @param {Extent} places
 * @returns {Extent | null}
 */
function sightExtent({ seen, period = 1 }, [first, last]) {
  const most = Math.min(period, last - first + 1);
  const samples = range(most).flatMap((step) => [...ends(seen(first + step)), ...ends(seen(last - step))]);
  return samples.length ? [Math.min(...samples), Math.max(...samples)] : null;
}

/** @param {number[]} numbers  ascending */
function ends(numbers) {
  return numbers.length ? [numbers[0], numbers[numbers.length - 1]] : [];
}

/**
 * Whether what a stage reads has one place along an axis, which meets all of another branch's.
 *
 * @param {Move} move
 * @param {number} each
 * @param {number} axis
 */
function meetsAll({ counts }, each, axis) {
  return counts[each][axis] === 1 && counts.some((sizes) => sizes[axis] > 1);
}

const MOST_TAPS = 2 ** 20; // samples along an axis that are followed one by one: of more all between the ends

/**
 * Which places of one of the results that a stage reads its values at some places see, ascending.
 *
 * @param {Move} move
 * @param {number} each
 * @param {number} axis
 * @param {number[]} places
 * @returns {number[]}
 */
function touchedBy(move, each, axis, places) {
  if (!move.sights) return meetsAll(move, each, axis) && places.length ? [0] : places;
  const sight = move.sights[axis];
  const { seen } = sight;
  if (places.length * sight.size > MOST_TAPS) {
    const [first, last] = sightExtent(sight, [places[0], places[places.length - 1]]) ?? [0, -1];
    return between([Math.max(0, first), Math.min(last, move.counts[each][axis] - 1)], 1);
  }
  const samples = new Set(places.flatMap(seen).filter((sample) => sample >= 0 && sample < move.counts[each][axis]));
  return [...samples].sort((a, b) => a - b);
}

/**
 * The numbers among some or others, ascending.
 *
 * @param {number[]} some
 * @param {number[]} others
 */
function united(some, others) {
  if (!some.length || !others.length) return some.length ? some : others;
  return [...new Set([...some, ...others])].sort((a, b) => a - b);
}
