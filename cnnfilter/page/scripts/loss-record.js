// A loss and its gradients as `cnnfilter explain --target --json` prints them.

/**
 * A place or a shape with that of the maps first, as arrays have it.
 *
 * @param {number[]} axes
 */
function mapsFirst(axes) {
  return axes.length === 1 ? axes : [axes[2], axes[0], axes[1]];
}

/**
 * A gradient as it is told: its size, and its value of the largest magnitude.
 *
 * @param {number[]} shape
 * @param {Float32Array} values
 * @param {number[]} at  where that is
 */
function gradientRecord(shape, values, at) {
  return { shape, largest: values[mostOf(values)], at, rms: rootMeanSquare(values), values: [...values] };
}

/**
 * A loss as `cnnfilter explain --target --json` prints it.
 *
 * @param {Model} model
 * @param {Aim} aim
 * @param {number[] | null} weight  a stage's number, and the place of one of its weights
 * @param {number} rate
 * @returns {Record<string, any>}
 */
function lossRecord(model, aim, weight, rate) {
  const passing = backedLoss(model, aim);
  let passed = passing.next();
  while (!passed.done) passed = passing.next();
  const backed = passed.value;
  const last = model.stages.length;
  const { deltas, unit: _, name: loss, ...told } = backed.worked;
  const steps = range(last + 1).reverse().flatMap((number) => {
    const maps = backed.deltas[number];
    if (!maps) return [];
    const learned = Object.entries(backed.gradients[number]).map(([role, array]) =>
      [role, gradientRecord(array.shape, array.values, largestIndex(array))]);
    const own = gradientRecord(mapsFirst(maps.shape), maps.values, mapsFirst(largestPlace(maps)));
    const gradients = { deltas: own, ...Object.fromEntries(learned) };
    const name = number ? model.stage(number).name : null;
    return [{ number, name, stage: number ? listedText(model.stages, number) : "picture", gradients }];
  });
  const record = {
    stages: networkText(model.stages, model.contents.groups), input: model.shapes[0], output: model.shapes[last],
    loss: { loss, ...told, base: LOSSES[loss].after ? "e" : null }, deltas, steps,
  };
  if (!weight) return record;
  const [number, ...at] = weight;
  const { met, products, gradient, weight: value } = weightGradient(model, backed, number, at);
  return {
    ...record,
    weight: {
      number, name: model.stage(number).name, stage: listedText(model.stages, number), at, weight: value,
      places: range(products.length).map(met.place), deltas: [...met.deltas], inputs: [...met.samples],
      products: [...products], gradient, rate, stepped: value - rate * gradient,
    },
  };
}
