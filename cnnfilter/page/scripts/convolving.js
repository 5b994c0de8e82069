// How convolutions are computed: tap by tap over stretches of a map, in double precision.

const STRETCH = 2048; // values of a map at a time, which stay in the processor's cache

/**
 * @typedef {object} FilterTaps  the weights of a filter that are not 0, which add nothing to a sum whatever they meet
 * @property {Int32Array} places  where their samples lie, of the value at row 0 and column 0
 * @property {Float64Array} weights
 */

/**
 * Where the samples of a filter's weights lie in padded maps, from the first channel that it looks at.
 *
 * @param {number} inputs  how many channels that are
 * @param {Shape} shape
 * @param {Sliding} sliding
 * @param {boolean} flip  whether the weights are turned by 180 degrees
 */
function placesUnder(inputs, [height, width], { window, dilation }, flip) {
  const places = new Int32Array(inputs * product(window));
  let index = 0;
  for (let c = 0; c < inputs; c++) {
    for (let m = 0; m < window[0]; m++) {
      for (let n = 0; n < window[1]; n++) {
        const [row, column] = flip ? [window[0] - 1 - m, window[1] - 1 - n] : [m, n];
        places[index++] = (c * height + row * dilation[0]) * width + column * dilation[1];
      }
    }
  }
  return places;
}

/**
 * The taps of a filter.
 *
 * @param {ArrayLike<number>} weights
 * @param {Int32Array} places
 * @returns {FilterTaps}
 */
function countingTaps(weights, places) {
  const all = Float64Array.from(weights);
  if (!all.includes(0)) return { places, weights: all };
  return { places: places.filter((_, tap) => all[tap] !== 0), weights: all.filter((weight) => weight !== 0) };
}

/**
 * Write the sums of products along a stretch. Four taps at a time take half as long as one.
 *
 * @param {Float64Array} sums
 * @param {number} length  how many are written
 * @param {Float32Array} values
 * @param {FilterTaps} taps
 * @param {number} base  where the first window lies
 * @param {number} step  from one window to the next
 */
function sumProducts(sums, length, values, { places, weights }, base, step) {
  sums.fill(0, 0, length);
  let tap = 0;
  for (; tap + 3 < weights.length; tap += 4) {
    const [u, v, w, z] = [weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]];
    let a = places[tap] + base;
    let b = places[tap + 1] + base;
    let c = places[tap + 2] + base;
    let d = places[tap + 3] + base;
    for (let x = 0; x < length; x++) {
      sums[x] += u * values[a] + v * values[b] + w * values[c] + z * values[d];
      a += step;
      b += step;
      c += step;
      d += step;
    }
  }
  for (; tap < weights.length; tap++) {
    const weight = weights[tap];
    let from = places[tap] + base;
    for (let x = 0; x < length; x++) {
      sums[x] += weight * values[from];
      from += step;
    }
  }
}

/**
 * Take the sums of a filter up into what its map's filters give together.
 *
 * @param {Float64Array} all
 * @param {Float64Array} sums
 * @param {number} length
 * @param {Pair} scale
 * @param {string | null} combine
 */
function takeUp(all, sums, length, [over, under], combine) {
  if (combine === "magnitude") for (let x = 0; x < length; x++) all[x] += ((sums[x] * over) / under) ** 2;
  else if (combine === "maximum") for (let x = 0; x < length; x++) all[x] = Math.max(all[x], (sums[x] * over) / under);
  else for (let x = 0; x < length; x++) all[x] = (sums[x] * over) / under;
}

/**
 * What a convolution makes of maps.
 *
 * @param {Stage} stage
 * @param {Maps[]} inputs
 * @returns {Maps}
 */
function convolved(stage, [input]) {
  const { border, flip } = stage.keys;
  const sliding = convolutionSliding(stage, input.shape);
  const [height, width, count] = convolutionKind.output(stage, [input.shape]);
  const given = padded(input, sliding.pads, border, borderValue(border));
  const [tall, wide, channels] = given.shape;
  const places = placesUnder(channelsOf(stage, channels, 0)[1], given.shape, sliding, flip);
  // where windows follow each other sample by sample, those of several rows do, with a few between that are left out
  const rows = sliding.stride.every((each) => each === 1) ? Math.min(height, Math.max(1, Math.floor(STRETCH / wide))) : 1;
  const [sums, all] = [new Float64Array(rows * wide), new Float64Array(rows * wide)];
  const values = new Float32Array(height * width * count);
  for (let map = 0, to = 0; map < count; map++) {
    const { filters, scales, combine, bias } = flatFilter(stage, map);
    const taps = filters.map((weights) => countingTaps(weights, places));
    const first = channelsOf(stage, channels, map)[0] * tall * wide;
    for (let y = 0; y < height; y += rows) {
      const here = Math.min(rows, height - y);
      const length = (here - 1) * wide + width;
      all.fill(combine === "maximum" ? -Infinity : 0, 0, length);
      taps.forEach((each, number) => {
        sumProducts(sums, length, given.values, each, first + y * sliding.stride[0] * wide, sliding.stride[1]);
        takeUp(all, sums, length, scales[number], combine);
      });
      if (combine === "magnitude") for (let x = 0; x < length; x++) all[x] = Math.sqrt(all[x]);
      for (let row = 0; row < here; row++) for (let x = 0; x < width; x++) values[to++] = all[row * wide + x] + bias;
    }
  }
  return { shape: [height, width, count], values };
}
