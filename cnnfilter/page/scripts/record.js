// What is told of a value: the steps behind it, followed back to the picture, and its receptive field.

/**
 * What is told of a value, as `cnnfilter explain --json` prints it; numbers that are not finite are still numbers.
 *
 * @param {Model} model
 * @param {number} stage
 * @param {Place} at
 * @returns {Record<string, any>}
 */
function recordOf(model, stage, at) {
  const way = [...wayFrom(model, stage, at)];
  const steps = way.map(({ number, at: place }) => {
    const { kind, ...rest } = model.step(number, place);
    const told = model.stage(number);
    // steps tell what `normalize` divides by
    return { number, kind, name: told.name, stage: kindOf(told).told?.(told) ?? model.text(number), ...rest };
  });
  return {
    stages: networkText(model.stages, model.contents.groups, stage),
    input: model.shapes[0],
    output: model.shapes[stage],
    at,
    value: steps[0].value,
    steps,
    receptive_field: receptiveField(model, stage, at, way),
  };
}

/**
 * The value that counts most for another: its stage's number and its place; null of none.
 *
 * @param {Model} model
 * @param {number} stage
 * @param {Place} at
 * @returns {{stage: number, at: Place} | null}
 */
function followed(model, stage, at) {
  const { follows, source = 0 } = model.step(stage, at);
  return follows && { stage: model.stage(stage).reads[source], at: follows };
}

/**
 * The places that a value is followed through, from itself to the picture.
 *
 * @param {Model} model
 * @param {number} stage
 * @param {Place} at
 * @returns {Generator<{number: number, at: Place}>}
 */
function* wayFrom(model, stage, at) {
  /** @type {{stage: number, at: Place} | null} */
  let next = { stage, at };
  while (next !== null && next.stage !== 0) {
    yield { number: next.stage, at: next.at };
    next = followed(model, next.stage, next.at);
  }
}

/**
 * The row and the column of a value, which a vector's has in the maps that it was made of.
 *
 * @param {Model} model
 * @param {Iterable<{number: number, at: Place}>} way
 */
function spotOf(model, way) {
  for (const { number, at } of way) {
    const stage = model.stage(number);
    const shape = /** @type {Shape} */ (model.shapes[stage.reads[stage.reads.length - 1]]);
    if (kindOf(stage).seesAll?.(stage, shape)) return [0, 0];
    if (shape.length === 3) return at.length === 3 ? at.slice(0, 2) : unflattened(shape, at[0]).slice(0, 2);
  }
  return [0, 0];
}

/**
 * The rows and columns of the picture that a value sees, those in the padding too: first and last.
 *
 * @param {Model} model
 * @param {number} stage
 * @param {number[]} spot  the value's row and column
 * @param {Map<number, boolean[]>} taken  which of its inputs each stage takes some of for it
 * @returns {{rows: Extent, columns: Extent}}
 */
function fieldAt(model, stage, spot, taken) {
  const moves = model.plan.moves.slice(0, stage).map((move, place) => {
    const takes = taken.get(place + 1);
    /** @param {any} _ @param {number} each */
    const isTaken = (_, each) => takes?.[each] ?? true;
    return { ...move, reads: move.reads.filter(isTaken), counts: move.counts.filter(isTaken) };
  });
  const [rows, columns] = extentOf(moves, spot);
  return { rows, columns };
}

/**
 * The receptive field of a value, as it is told.
 *
 * @param {Model} model
 * @param {number} stage
 * @param {Place} at
 * @param {{number: number, at: Place}[]} way
 */
function receptiveField(model, stage, at, way) {
  const { seen, taken } = seenFrom(model.stages.slice(0, stage), /** @type {Shape[]} */ (model.shapes), at);
  const { rows, columns } = fieldAt(model, stage, spotOf(model, way), taken);
  const size = [rows, columns].map(([first, last]) => last - first + 1);
  const region = seen.get(0);
  const [down, along] = region?.isSeen ? [ends(region.rows), ends(region.columns)] : [[], []];
  const corners = down.flatMap((row) => along.map((column) => [row, column]));
  const inside = corners.length ? (down[1] - down[0] + 1) * (along[1] - along[0] + 1) : 0;
  return { size, rows, columns, corners, in_padding: product(size) - inside };
}
