// @ts-check
// Worked steps as `cnnfilter explain` writes them: a writer for each kind of step that `explanation/record.py` lists.

/** Channels whose windows are written out; of more, those with the largest sums. */
const MOST_CHANNELS = 3;
/** Rows, and columns, that are each told with the kernel's that they meet. */
const MOST_MEETINGS = 3;
/** Rows and columns of a window that is written out; of a larger one, the largest products are. */
const WRITTEN_SIDE = 7;
/** Products or powers that are listed. */
const MOST_TERMS = 8;

/**
 * What a writer needs beside the step.
 * @typedef {object} Desk
 * @property {Kept} kept
 * @property {string} key            of what is kept of the step
 * @property {Scale} scale           of what the stage reads
 * @property {Place | null} follows  the value before that the next step explains
 * @property {string[] | null} labels
 */

/** @type {Record<string, (step: any, desk: Desk) => Node[]>} */
const WRITERS = {
  convolution: writeConvolution,
  transposed: writeTransposed,
  pool: writePool,
  mean: (step) => [equation("mean of the map", `${shown(step.sum)} / ${step.count}`, step.value)],
  largest: (step) => [fact(`largest of ${step.count} values`, `${shown(step.value)}, at ${placeText(step.follows)}`)],
  resample: (step, desk) => writeChannel(step.samples, scaleAround(step.samples.products.flat()), desk, "samples"),
  copy: (step) => [
    fact("", `as it is ${step.follows ? `at ${placeText(step.follows)}` : "in the padding"}, ${shown(step.value)}`),
  ],
  function: (step) => [equation("", step.formula, step.value)],
  join: writeJoin,
  flatten: (step) => [fact("", `index ${step.at[0]} is ${placeText(step.follows)}, ${shown(step.value)}`)],
  lrn: writeLocalResponse,
  dense: writeDense,
  softmax: writeSoftmax,
};

/**
 * What a stage did to make one value.
 * @param {any} step  of a record
 * @param {Desk} desk
 * @returns {Node[]}
 */
function writeStep(step, desk) {
  const writer = WRITERS[step.kind];
  if (!writer) throw new Error(`no writer of steps of the kind ${step.kind}`);
  return writer(step, desk);
}

/** @param {any} step @param {Desk} desk */
function writeConvolution(step, desk) {
  const values = step.filters.map((/** @type {any} */ each) => numberOf(each.value));
  const best = values.indexOf(Math.max(...values));
  /** @type {Node[]} */
  const lines = [];
  step.filters.forEach((/** @type {any} */ each, /** @type {number} */ i) => {
    if (step.combine === "maximum" && i !== Math.max(0, best)) return;
    const title = step.filters.length > 1 ? `${step.filter}, filter ${i + 1} of ${step.filters.length}` : step.filter;
    if (title !== "custom") lines.push(element("h4", {}, title));
    lines.push(...writeFilter(each, desk, i));
  });
  let value = step.filters[0].value;
  if (step.combine !== null) {
    value = numberOf(step.value) - numberOf(step.bias);
    const inside =
      step.combine === "magnitude"
        ? `sqrt(${values.map((/** @type {number} */ each) => `${showFactor(each)}^2`).join(" + ")})`
        : `max(${values.map(show).join(", ")})`;
    lines.push(equation(step.combine, inside, value));
  }
  if (numberOf(step.bias) !== 0)
    lines.push(equation("bias", showSum([numberOf(value), numberOf(step.bias)]), step.value));
  return lines;
}

/** One filter: its channels, their sum, its scale. @param {any} filter @param {Desk} desk @param {number} number */
function writeFilter(filter, desk, number) {
  const sums = filter.channels.map((/** @type {any} */ channel) => numberOf(channel.sum));
  const chosen = placesOfLargest(sums, MOST_CHANNELS);
  const products = scaleAround(chosen.flatMap((c) => filter.channels[c].products.flat()));
  /** @type {Node[]} */
  const lines = [];
  chosen.forEach((c, i) => {
    const channel = filter.channels[c];
    const parts = writeChannel(channel, products, desk, `${number}.${i}`);
    const title = sums.length > 1 ? [element("h5", {}, `channel ${channel.window.channel}`)] : [];
    lines.push(desk.kept.box(`${desk.key}.${number}.${i}`, "channel", ...title, ...parts));
  });
  if (sums.length > chosen.length) {
    const rest = sums.reduce(
      (/** @type {number} */ sum, /** @type {number} */ each, /** @type {number} */ c) =>
        chosen.includes(c) ? sum : sum + each,
      0,
    );
    lines.push(note(`channels that are not shown: ${sums.length - chosen.length}, together ${show(rest)}`));
  }
  if (sums.length > 1) lines.push(sumLine("channels", sums, filter.total, `sum of ${sums.length} channels`));
  if (filter.scale !== 1)
    lines.push(equation("scale", `${shown(filter.total)} * ${scaleText(filter.scale)}`, filter.value));
  return lines;
}

/**
 * A window, its kernel, their products and the sum.
 * @param {any} channel
 * @param {Scale} scale  of the products
 * @param {Desk} desk
 * @param {string} key
 */
function writeChannel(channel, scale, desk, key) {
  const { window, kernel } = channel;
  const [height, width] = [window.rows.length, window.columns.length];
  const products = channel.products.flat();
  const weights = kernel.flat();
  /** @type {HTMLElement} */
  let written;
  if (Math.max(height, width) > WRITTEN_SIDE) {
    written = writeLargest(channel, products);
  } else {
    const place = `${desk.key}.${key} ${height}x${width}`;
    const tables = desk.kept.get(place, () => new Multiplication(height, width));
    tables.window.fill(window.values, desk.scale, window, desk.follows);
    tables.kernel.fill(kernel, scaleAround(weights));
    tables.kernel.element.dataset.channel = String(window.channel); // whose numbers can be changed there
    tables.products.fill(channel.products, scale);
    written = tables.element;
  }
  const counting =
    products.length <= MOST_SUMMED
      ? products
      : products.filter((/** @type {number} */ _, /** @type {number} */ i) => weights[i] !== 0);
  return [written, sumLine("sum", counting, channel.sum, `sum of ${products.length} products`)];
}

/** The largest products of a large window. @param {any} channel @param {(number | string)[]} products */
function writeLargest(channel, products) {
  const { window, kernel } = channel;
  const chosen = placesOfLargest(products.map(numberOf), MOST_TERMS);
  const rows = chosen.map((i) => {
    const [row, column] = [Math.floor(i / window.columns.length), i % window.columns.length];
    const mark = window.padding[row][column] ? " (padding)" : "";
    return [
      `row ${window.rows[row]}, column ${window.columns[column]}${mark}`,
      window.values[row][column],
      kernel[row][column],
      products[i],
    ];
  });
  const extent = extentText(window);
  return terms(
    `${extent}; the ${chosen.length} largest of ${products.length} products`,
    ["place", "input", "weight", "product"],
    rows,
  );
}

/** @param {any} step @param {Desk} desk */
function writeTransposed(step, desk) {
  const { rows, columns } = step.filters[0].channels[0].window;
  const lines = [
    ...meetings("row", 0, rows, step.kernel_rows, step),
    ...meetings("column", 1, columns, step.kernel_columns, step),
  ];
  if (rows.length && columns.length) return [...lines, ...writeConvolution(step, desk)];
  const left = numberOf(step.bias) ? "the bias" : "nothing";
  return [...lines, fact("", `no sample's kernel reaches this place: ${left}, ${shown(step.value)}`)];
}

/**
 * Which samples of an axis meet which of the kernel's numbers.
 * @param {string} word
 * @param {number} axis
 * @param {number[]} samples
 * @param {number[]} taps
 * @param {any} step
 */
function meetings(word, axis, samples, taps, { stride, padding, dilation, at }) {
  const rule = (/** @type {number | string} */ sample, /** @type {number | string} */ tap) =>
    `${sample}*${stride[axis]} - ${padding[axis]} + ${tap}*${dilation[axis]} = ${at[axis]}`;
  if (samples.length <= MOST_MEETINGS) {
    const met = (/** @type {number} */ i) =>
      `${word} ${samples[i]} of the input meets ${word} ${taps[i]} of the kernel`;
    return samples.map((sample, i) => fact(met(i), rule(sample, taps[i])));
  }
  const [seen, met] = [samples, taps].map((each) => `${word}s ${each[0]} to ${each[each.length - 1]}`);
  return [fact(`${seen} of the input meet ${met} of the kernel`, rule("input", "kernel"))];
}

/** @param {any} step @param {Desk} desk */
function writePool(step, desk) {
  const { window } = step;
  const [height, width] = [window.rows.length, window.columns.length];
  const values = window.values.flat();
  /** @type {Node[]} */
  const lines = [];
  if (Math.max(height, width) <= WRITTEN_SIDE) {
    const place = `${desk.key}.pool ${height}x${width}`;
    const table = desk.kept.get(place, () => new NumbersTable("window", height, width, true));
    table.fill(window.values, desk.scale, window, step.pool === "max" ? step.follows : desk.follows);
    lines.push(desk.kept.get(`${place} beside`, () => beside(width, table.element)));
  } else {
    lines.push(note(extentText(window)));
  }
  if (step.pool === "max") {
    const at = step.follows ? `, at ${placeText(step.follows)}` : "";
    return [...lines, fact("largest", `${shown(step.value)}${at}`)];
  }
  lines.push(sumLine("sum", values, step.sum, `sum of ${values.length} values`));
  if (step.pool === "avg") lines.push(equation("mean", `${shown(step.sum)} / ${step.divisor}`, step.value));
  return lines;
}

/** @param {any} step */
function writeJoin(step) {
  const sources = step.reads.map((/** @type {number} */ read) => (read ? `stage ${read}` : "the picture"));
  if (step.inputs.length < step.reads.length) {
    return [fact("", `${shown(step.value)} of ${sources[step.source]}, ${placeText(step.follows)}`)];
  }
  const parts = step.inputs.map((/** @type {number} */ value, /** @type {number} */ i) =>
    fact(sources[i], shown(value)),
  );
  return [...parts, equation("", step.formula, step.value)];
}

/** @param {any} step */
function writeLocalResponse(step) {
  const count = step.inputs.length;
  const maps = spanText("map", step.first, step.first + count - 1);
  return [
    fact("", count <= MOST_TERMS ? `${maps}: ${step.inputs.map(shown).join(", ")}` : maps),
    sumLine("squares", step.squares, step.sum, count > 1 ? `sum of ${count} squares` : "square"),
    equation("", step.formula, step.value),
  ];
}

/** @param {any} step @param {Desk} desk */
function writeDense(step, desk) {
  const count = step.products.length;
  const chosen = placesOfLargest(step.products.map(numberOf), MOST_TERMS);
  const rows = chosen.map((i) => [
    labelled(i, desk.labels && desk.labels.length === count ? desk.labels : null),
    step.inputs[i],
    step.weights[i],
    step.products[i],
  ]);
  const title = count > chosen.length ? `the ${chosen.length} largest of ${count} products` : "products";
  const lines = [
    terms(title, ["index", "input", "weight", "product"], rows),
    sumLine("sum", step.products, step.total, `sum of ${count} products`),
  ];
  if (numberOf(step.bias) !== 0)
    lines.push(equation("bias", showSum([numberOf(step.total), numberOf(step.bias)]), step.value));
  return lines;
}

/** @param {any} step @param {Desk} desk */
function writeSoftmax(step, desk) {
  const count = step.inputs.length;
  const own = step.at[step.at.length - 1];
  const powers = step.powers.map(numberOf);
  const largest = numberOf(step.largest);
  const chosen = [...new Set([...placesOfLargest(powers, MOST_TERMS), own])].sort((a, b) => a - b);
  const power = (/** @type {number} */ i) => `e^(${shown(step.inputs[i])} - ${showFactor(largest)})`;
  const rows = chosen.map((i) => [labelled(i, desk.labels), power(i), powers[i]]);
  return [
    terms(
      `powers of e, the largest input ${show(largest)} taken off so that none overflows`,
      ["index", "power", "value"],
      rows,
    ),
    ...(count > chosen.length ? [note(`not shown, as they are smaller: ${count - chosen.length}`)] : []),
    sumLine("sum", powers, step.sum, `sum of ${count} powers`),
    equation("share", `${show(powers[own])} / ${shown(step.sum)}`, step.value),
  ];
}
