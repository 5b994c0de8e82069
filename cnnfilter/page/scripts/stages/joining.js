// Stages that read several results: branches of a network that meet again.

/**
 * The mistake of inputs that do not go together.
 *
 * @param {Shape[]} shapes
 * @param {string} wanted
 */
function misfit(shapes, wanted) {
  return new Mistake(`takes ${wanted}, not ${shapes.map(showShape).join(" and ")}`);
}

/**
 * The place of an input that meets a place of the result: along an axis where the input has 1, its one sample.
 *
 * @param {Shape} shape  that of the input
 * @param {Place} at
 */
function met(shape, at) {
  return at.map((index, axis) => (shape[axis] === 1 ? 0 : index));
}

/**
 * The step of what is made of several results.
 *
 * @param {Stage} stage
 * @param {Place} at
 * @param {number} value
 * @param {Place} follows
 * @param {{inputs: number[], formula: string, source: number}} told
 * @returns {AnyStep}
 */
function joined(stage, at, value, follows, { inputs, formula, source }) {
  return { kind: "join", at, value, follows, reads: stage.reads, inputs, formula, source };
}

/**
 * What reads a join: its keys, of which there are none, and the names of what it reads beside the stage before.
 *
 * @param {string} kind
 * @returns {Kind["parse"]}
 */
function readJoin(kind) {
  return (text) => {
    const { names } = readArguments(text, ["names"], "names");
    if (!names) throw new Mistake(`needs the name of a stage, such as ${kind}:x after relu:as=x`);
    return { keys: {}, names: splitText(names, "+") };
  };
}

/**
 * A kind that combines the samples of several results at each place.
 *
 * @param {string} name
 * @param {(a: number, b: number) => number} combine
 * @param {(terms: number[]) => string} formula
 * @param {boolean} multiplies
 * @returns {Kind}
 */
function sampleBySample(name, combine, formula, multiplies) {
  return {
    output(_, inputs) {
      if (new Set(inputs.map((shape) => shape.length)).size > 1) throw misfit(inputs, "either maps or vectors");
      return inputs[0].map((_, axis) => {
        const sizes = new Set(inputs.map((shape) => shape[axis]).filter((size) => size !== 1));
        if (sizes.size > 1) throw misfit(inputs, "results of one size, or of 1 along an axis");
        return [...sizes][0] ?? 1;
      });
    },
    figures: noFigures,
    compute(stage, inputs) {
      const result = emptyMaps(kindOf(stage).output(stage, inputs.map((maps) => maps.shape)));
      inputs.forEach((maps, number) => spread(maps, result, number ? combine : (_, value) => value));
      return result;
    },
    regions: (_, inputs, at) => inputs.map((shape) => regionOf(met(shape, at))),
    explain(stage, inputs, at, value) {
      const values = inputs.map((maps) => valueAt(maps, met(maps.shape, at)));
      const source = mostOf(values);
      return joined(stage, at, value, met(inputs[source].shape, at), { inputs: values, formula: formula(values), source });
    },
    deltas(_, inputs, _output, delta) {
      return inputs.map(({ shape }, number) => {
        const own = { shape: delta.shape, values: Float32Array.from(delta.values) };
        if (multiplies) inputs.forEach((maps, other) => other !== number && spread(maps, own, combine));
        return gathered(own, shape);
      });
    },
    slopes(_, inputs, output, input, at) {
      const others = multiplies ? inputs.filter((_maps, number) => number !== input) : [];
      return spreadPlaces(inputs[input].shape, output.shape, at).map((there) =>
        ({ at: there, slope: product(others.map((maps) => valueAt(maps, met(maps.shape, there)))) }));
    },
    joins: true,
    ...worded(name, []),
    parse: readJoin(name),
  };
}

/**
 * The places of a result that a place of an input meets: all along an axis where the input has 1.
 *
 * @param {Shape} shape  that of the input
 * @param {Shape} output
 * @param {Place} at
 * @returns {Place[]}
 */
function spreadPlaces(shape, output, at) {
  return at.reduce((/** @type {Place[]} */ places, index, axis) => {
    const along = shape[axis] === output[axis] ? [index] : range(output[axis]);
    return places.flatMap((place) => along.map((each) => [...place, each]));
  }, [[]]);
}

/**
 * Maps of an input's size, each value the sum of those of a result that it meets.
 *
 * @param {Maps} maps  of the result's size
 * @param {Shape} shape
 * @returns {Maps}
 */
function gathered(maps, shape) {
  if (shape.join() === maps.shape.join()) return maps;
  const sums = new Float64Array(product(shape));
  const [height, width, count] = maps.shape.length === 3 ? maps.shape : [1, 1, maps.shape[0]];
  const [rows, columns, planes] = shape.length === 3 ? shape : [1, 1, shape[0]];
  for (let map = 0, index = 0; map < count; map++) {
    for (let row = 0; row < height; row++) {
      const first = ((planes === 1 ? 0 : map) * rows + (rows === 1 ? 0 : row)) * columns;
      const step = Number(columns > 1);
      for (let column = 0; column < width; column++) sums[first + step * column] += maps.values[index++];
    }
  }
  return { shape, values: Float32Array.from(sums) };
}

/**
 * Combine each value of a result with the value of an input that meets it.
 *
 * @param {Maps} maps
 * @param {Maps} result
 * @param {(a: number, b: number) => number} combine
 */
function spread({ shape, values }, result, combine) {
  const [height, width, count] = result.shape.length === 3 ? result.shape : [1, 1, result.shape[0]];
  const [rows, columns, maps] = shape.length === 3 ? shape : [1, 1, shape[0]];
  let index = 0;
  for (let map = 0; map < count; map++) {
    for (let row = 0; row < height; row++) {
      const first = ((maps === 1 ? 0 : map) * rows + (rows === 1 ? 0 : row)) * columns;
      for (let column = 0; column < width; column++, index++) {
        result.values[index] = combine(result.values[index], values[columns === 1 ? first : first + column]);
      }
    }
  }
}

KINDS.add = sampleBySample("add", (a, b) => a + b, showSum, false);
KINDS.multiply = sampleBySample("multiply", (a, b) => a * b, showProduct, true);

/**
 * Which input a map of a concatenation, or an element, is from, and its number there.
 *
 * @param {Shape[]} inputs
 * @param {number} number
 */
function originOf(inputs, number) {
  let source = 0;
  while (number >= countOf(inputs[source])) number -= countOf(inputs[source++]);
  return { source, number };
}

KINDS.concat = {
  output(_, inputs) {
    if (new Set(inputs.map((shape) => shape.slice(0, -1).join())).size > 1
      || new Set(inputs.map((shape) => shape.length)).size > 1) {
      throw misfit(inputs, "maps of one height and width, or vectors");
    }
    return [...inputs[0].slice(0, -1), inputs.reduce((sum, shape) => sum + countOf(shape), 0)];
  },
  figures(_, inputs) {
    const counts = inputs.map(countOf);
    return { ...noFigures(), arithmetic: `${counts.join(" + ")} = ${counts.reduce((sum, each) => sum + each)}` };
  },
  compute(stage, inputs) {
    const result = emptyMaps(KINDS.concat.output(stage, inputs.map((maps) => maps.shape)));
    let first = 0;
    for (const { values } of inputs) {
      result.values.set(values, first);
      first += values.length;
    }
    return result;
  },
  regions(_, inputs, at) {
    const { source, number } = originOf(inputs, at[at.length - 1]);
    return inputs.map((_, index) => (index === source ? regionOf([...at.slice(0, -1), number]) : null));
  },
  explain(stage, inputs, at, value) {
    const { source, number } = originOf(inputs.map((maps) => maps.shape), at[at.length - 1]);
    const told = { inputs: [value], formula: show(value), source };
    return joined(stage, at, value, [...at.slice(0, -1), number], told);
  },
  deltas(_, inputs, _output, delta) {
    let first = 0;
    return inputs.map(({ shape, values }) =>
      ({ shape, values: delta.values.subarray(first, (first += values.length)) }));
  },
  slopes(_, inputs, _output, input, at) {
    const before = inputs.slice(0, input).reduce((sum, { shape }) => sum + countOf(shape), 0);
    return [{ at: inMap(at, before + at[at.length - 1]), slope: 1 }];
  },
  joins: true,
  ...worded("concat", []),
  parse: readJoin("concat"),
};
