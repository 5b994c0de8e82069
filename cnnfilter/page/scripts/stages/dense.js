// Dense layers: a row of weights for each output, times the vector.

/**
 * Which input each weight of a row meets: where the maps were flattened as H, W, C, another one than its own.
 *
 * @param {Pick<Stage, "keys">} stage
 * @param {number} inputs
 * @returns {(place: number) => number}
 */
function inputOf({ keys: { layout, flattened } }, inputs) {
  if (layout !== "hwc" || !flattened) return (place) => place;
  const [height, width, channels] = flattened;
  if (height * width * channels !== inputs) {
    throw new Mistake(`layout=hwc is of ${showShape(flattened)}, and a vector of ${inputs} arrives`);
  }
  return (place) => (place % channels) * height * width + Math.floor(place / channels);
}

/** @param {Stage} stage */
function unitsOf({ learned }) {
  return learned.weight.shape[0];
}

KINDS.dense = {
  output(stage, [shape]) {
    if (shape.length !== 1) throw new Mistake(`takes a vector, not maps of ${showShape(shape)}; put flatten before it`);
    const [outputs, inputs] = stage.learned.weight.shape;
    if (inputs !== shape[0]) {
      throw new Mistake(`weights (out, in) of ${outputs}x${inputs} do not fit a vector of ${shape[0]}`);
    }
    inputOf(stage, inputs);
    return [outputs];
  },
  figures(stage, [[inputs]]) {
    const { learned } = stage;
    const parameters = learned.weight.values.length + (learned.bias?.values.length ?? 0);
    const arithmetic = parametersArithmetic([inputs], unitsOf(stage), Boolean(learned.bias));
    return { parameters, macs: parameters, arithmetic };
  },
  compute(stage, [{ values: vector }]) {
    const { weight, bias } = stage.learned;
    const [outputs, inputs] = weight.shape;
    const source = inputOf(stage, inputs);
    const given = Float64Array.from(vector, (_, place) => vector[source(place)]);
    const values = new Float32Array(outputs);
    for (let output = 0, from = 0; output < outputs; output++) {
      let sum = 0;
      for (let input = 0; input < inputs; input++, from++) {
        if (weight.values[from] !== 0) sum += weight.values[from] * given[input]; // 0 times NaN is 0 here
      }
      values[output] = sum + (bias ? bias.values[output] : 0);
    }
    return { shape: [outputs], values };
  },
  regions: (_, [[inputs]]) => [{ range: [0, inputs - 1] }],
  seesAll: () => true,
  explain(stage, [{ values: vector }], at, value) {
    const { weight, bias } = stage.learned;
    const inputs = vector.length;
    const source = inputOf(stage, inputs);
    const given = range(inputs).map((place) => vector[source(place)]);
    const weights = [...weight.values.subarray(at[0] * inputs, (at[0] + 1) * inputs)];
    const products = weights.map((each, place) => (each === 0 ? 0 : each * given[place]));
    const total = products.reduce((sum, each) => sum + each, 0);
    const follows = [source(mostOf(products))];
    return { kind: "dense", at, value, follows, inputs: given, weights, products, total, bias: bias ? bias.values[at[0]] : 0 };
  },
  deltas({ keys, learned: { weight } }, [{ shape, values }], _output, delta) {
    const [outputs, inputs] = weight.shape;
    const source = inputOf({ keys }, inputs);
    const sums = new Float64Array(inputs);
    for (let output = 0, from = 0; output < outputs; output++) {
      const each = delta.values[output];
      for (let input = 0; input < inputs; input++, from++) sums[input] += weight.values[from] * each;
    }
    const back = new Float32Array(values.length);
    sums.forEach((sum, input) => { back[source(input)] = sum; });
    return [{ shape, values: back }];
  },
  slopes({ keys, learned: { weight } }, _inputs, _output, _input, [index]) {
    const [outputs, inputs] = weight.shape;
    const source = inputOf({ keys }, inputs);
    const column = range(inputs).findIndex((place) => source(place) === index);
    return range(outputs).map((output) => ({ at: [output], slope: weight.values[output * inputs + column] }));
  },
  gradients({ keys, learned: { weight, bias } }, [{ values: vector }], delta) {
    const [outputs, inputs] = weight.shape;
    const source = inputOf({ keys }, inputs);
    const given = Float64Array.from(vector, (_, place) => vector[source(place)]);
    const values = new Float32Array(outputs * inputs);
    for (let index = 0; index < values.length; index++) {
      values[index] = delta.values[Math.floor(index / inputs)] * given[index % inputs];
    }
    return { weight: { shape: weight.shape, values }, ...(bias && { bias: sumsOfMaps(delta) }) };
  },
  weights: {
    value: ({ learned: { weight } }, at) => weight.values[at[0] * weight.shape[1] + at[1]],
    met(stage, { values }, [unit, input], delta) {
      const sample = values[inputOf(stage, values.length)(input)];
      return { place: () => [unit], deltas: Float64Array.of(delta.values[unit]), samples: Float64Array.of(sample) };
    },
  },
  text({ keys: { units, file, layout, biased, numbers } }) {
    const options = showOptions({ layout: [layout, layout !== "chw"], bias: ["no", !biased] });
    return ["dense", ...(file ?? [`${units}`]), ...options, ...numbers].join(":");
  },
  parse() {
    throw new Mistake("a dense stage needs learned numbers, which a page has of those only that it was made with");
  },
  controls: [
    { key: "learned.weight", label: "weights", type: "weights" },
    { key: "learned.bias", label: "bias", type: "weights", when: ({ learned }) => Boolean(learned.bias) },
  ],
};
