// Losses as `cnnfilter explain --target` works them out: formula, numbers, result, and how they change with each value.

/** Terms up to which a sum is written out. */
const LONGEST_SUM = 36;
/** Terms up to which those of a target of 0 are written too. */
const FEW_TERMS = 9;
/** The exponent of e from which powers may overflow, or all vanish: the largest is taken off then. */
const LARGEST_POWER = 700;

/** @typedef {{name: string, equal: string[]}} LossLine  formulas with numbers in them that are equal, and their name */
/** @typedef {[number, number]} Logarithms  of a probability, and of what it lacks to 1 */

/**
 * @typedef {object} Shares  probabilities that are made of scores
 * @property {number[]} results
 * @property {Logarithms[]} logarithms  of each, also where it is too small for a number
 * @property {LossLine[]} lines
 */

/**
 * @typedef {object} Loss  what is known of a loss
 * @property {string} formula  of p, the results, and t, the targets
 * @property {"softmax" | "sigmoid" | null} after  what makes p of scores: a network that ends in it is taken without it
 * @property {string} delta  the formula of the gradient with respect to each of n values, or of the scores behind them
 * @property {(results: number[], targets: number[], logarithms: Logarithms[]) => Summed} work
 * @property {(results: number[], targets: number[]) => number[]} deltas
 * @property {(p: number, t: number, n: number, total: number) => string} written  that formula with its numbers; the
 *  total is that of all targets
 */

/** @typedef {{lines: LossLine[], result: number}} Summed  a sum, and how it is written */

/**
 * A sum with the equal formulas that it is written as.
 *
 * @param {number} result
 * @param {...string} formulas
 * @returns {Summed}
 */
function summedUp(result, ...formulas) {
  return { lines: [{ name: "numbers", equal: [...formulas, show(result)] }], result };
}

/**
 * The mean of terms, with its sign turned where there is a minus.
 *
 * @param {string} minus
 * @param {number[]} terms
 * @param {(place: number) => string} formula  a term's
 */
function meanLine(minus, terms, formula) {
  const [sum, count] = [sumOf(terms), terms.length];
  const result = (minus ? -sum : sum) / count;
  const written = count <= LONGEST_SUM ? [range(count).map(formula).join(" + "), showSum(terms)] : [show(sum)];
  return summedUp(result, ...written.map((each) => `${minus}(${each}) / ${count}`));
}

/**
 * A weight times a logarithm: 0 where the weight is 0, whatever the other is.
 *
 * @param {number} weight
 * @param {number} log
 */
function weighted(weight, log) {
  return weight ? weight * log : 0;
}

/** @type {Record<string, Loss>} */
const LOSSES = {
  "cross-entropy": {
    formula: "-sum(t*ln(p))",
    after: "softmax",
    delta: "p - t",
    work(results, targets, logarithms) {
      const terms = targets.map((target, place) => weighted(target, logarithms[place][0]));
      const result = -sumOf(terms);
      const written = range(targets.length).filter((place) => targets[place] || targets.length <= FEW_TERMS);
      if (!written.length || written.length > LONGEST_SUM) {
        return summedUp(result, `-(${show(-result)})`);
      }
      const texts = written.map((place) => `${show(targets[place])}*ln(${show(results[place])})`);
      const summed = showSum(written.map((place) => terms[place]));
      return summedUp(result, `-(${texts.join(" + ")})`, `-(${summed})`);
    },
    deltas(results, targets) {
      const total = sumOf(targets);
      return results.map((p, place) => p * total - targets[place]);
    },
    written: (p, t, _, total) => `${show(p)}${total === 1 ? "" : ` * ${show(total)}`} - ${showFactor(t)}`,
  },
  "binary-cross-entropy": {
    formula: "-mean(t*ln(p) + (1 - t)*ln(1 - p))",
    after: "sigmoid",
    delta: "(p - t)/n",
    work(results, targets, logarithms) {
      const terms = logarithms.map(([log, rest], place) =>
        weighted(targets[place], log) + weighted(1 - targets[place], rest));
      return meanLine("-", terms, (place) => {
        const [p, t] = [results[place], targets[place]].map(show);
        const text = `${t}*ln(${p}) + (1 - ${t})*ln(1 - ${p})`;
        return terms.length > 1 ? `(${text})` : text;
      });
    },
    deltas: (results, targets) => results.map((p, place) => (p - targets[place]) / results.length),
    written: (p, t, n) => `(${show(p)} - ${showFactor(t)}) / ${n}`,
  },
  mse: {
    formula: "mean((p - t)^2)",
    after: null,
    delta: "2*(p - t)/n",
    work(results, targets) {
      const terms = results.map((p, place) => (p - targets[place]) ** 2);
      return meanLine("", terms, (place) => `(${show(results[place])} - ${showFactor(targets[place])})^2`);
    },
    deltas: (results, targets) => results.map((p, place) => (2 * (p - targets[place])) / results.length),
    written: (p, t, n) => `2*(${show(p)} - ${showFactor(t)}) / ${n}`,
  },
};

/**
 * Probabilities of scores, by what they are made with.
 *
 * @type {Record<"softmax" | "sigmoid", (scores: number[]) => Shares>}
 */
const SHARES_OF = {
  softmax(scores) {
    const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
    const isExtreme = scores.some((score) => Math.abs(score) > LARGEST_POWER);
    const powers = scores.map((score) => Math.exp(isExtreme ? score - largest : score));
    const total = sumOf(powers);
    const results = powers.map((power) => power / total);
    const off = Math.log(sumOf(scores.map((score) => Math.exp(score - largest))));
    const exponent = (/** @type {number} */ score) =>
      (isExtreme ? `(${show(score)} - ${showFactor(largest)})` : showFactor(score));
    const isShort = scores.length <= LONGEST_SUM;
    /** @param {string} name @param {(place: number) => string} formula @param {number[]} values */
    const each = (name, formula, values) =>
      (isShort ? values.map((value, place) => ({ name, equal: [formula(place), show(value)] })) : []);
    const lines = [
      ...(isExtreme ? [{ name: "largest", equal: [show(largest)] }] : []),
      ...each("power", (place) => `e^${exponent(scores[place])}`, powers),
      { name: "sum", equal: isShort ? [showSum(powers), show(total)] : [show(total)] },
      ...each("share", (place) => `${show(powers[place])} / ${show(total)}`, results),
    ];
    return { results, logarithms: scores.map((score) => [score - largest - off, NaN]), lines };
  },
  sigmoid(scores) {
    const results = scores.map((score) => {
      const power = Math.exp(-Math.abs(score));
      return (score >= 0 ? 1 : power) / (1 + power);
    });
    const lines = scores.slice(0, LONGEST_SUM).map((score, place) =>
      ({ name: "share", equal: [`1 / (1 + e^(-${showFactor(score)}))`, show(results[place])] }));
    const logarithms = scores.map((score) => {
      const rest = Math.log1p(Math.exp(-Math.abs(score)));
      return /** @type {Logarithms} */ ([Math.min(score, 0) - rest, Math.min(-score, 0) - rest]);
    });
    return { results, logarithms, lines };
  },
};

/**
 * Values as a text, of many how many there are; of the targets of a label which is 1.
 *
 * @param {number[]} values
 * @param {number | null} label
 */
function listedValues(values, label = null) {
  if (values.length <= LONGEST_SUM) return values.map(show).join(", ");
  return label === null ? `${values.length} numbers` : `1 of class ${label}, 0 of ${values.length - 1} others`;
}

/**
 * What values should be: of a class's number 1 for it and 0 for the others.
 *
 * @param {string} name  of the loss
 * @param {number} count
 * @param {number | number[]} target
 */
function targetsOf(name, count, target) {
  if (Array.isArray(target)) {
    if (target.length !== count) {
      throw new Mistake(`${count} value${count > 1 ? "s" : ""} cannot be compared with ${target.length} target` +
        (target.length === 1 ? "" : "s"));
    }
    const wrong = target.find((each) => LOSSES[name].after && !(each >= 0 && each <= 1));
    if (wrong !== undefined) throw new Mistake(`targets of ${name} are from 0 to 1, not ${show(wrong)}`);
    return target;
  }
  if (count === 1 && LOSSES[name].after === "sigmoid") {
    if (target > 1) throw new Mistake(`the label of a single probability must be from 0 to 1, not ${target}`);
    return [target];
  }
  if (target >= count) throw new Mistake(`label ${target} is no class: there are ${count}, counted from 0`);
  return range(count).map((place) => Number(place === target));
}

/**
 * @typedef {object} WorkedLoss  a loss worked out
 * @property {string} name
 * @property {string} formula
 * @property {number[]} values  what it was worked out from
 * @property {number[]} results  these, or the probabilities that were made of them
 * @property {number[]} targets
 * @property {LossLine[]} lines
 * @property {number} result
 * @property {string} unit  may be empty
 * @property {number[]} deltas  how it changes with each of the values
 */

/**
 * A loss of what a network gives, worked out.
 *
 * @param {string} name  of `LOSSES`
 * @param {number[]} values  scores, where the loss is after something
 * @param {number | number[]} target  the right class's number, or what the values should be
 * @returns {WorkedLoss}
 */
function workedLoss(name, values, target) {
  const { formula, after, work, deltas } = LOSSES[name];
  const targets = targetsOf(name, values.length, target);
  /** @type {Shares} */
  const shares = after ? SHARES_OF[after](values) : { results: values, logarithms: [], lines: [] };
  const { results, logarithms } = shares;
  const { lines, result } = work(results, targets, logarithms);
  const before = after ? [...shares.lines, { name: "p", equal: [listedValues(results)] }] : [];
  const wanted = Array.isArray(target) ? [] : [{ name: "t", equal: [listedValues(targets, target)] }];
  return {
    name, formula, values, results, targets, lines: [...before, ...wanted, ...lines], result: result + 0,
    unit: after ? "nats" : "", deltas: deltas(results, targets),
  };
}

/**
 * What a network's result should be, from a text: the number of a class, the name of one, or numbers between commas.
 *
 * @param {string} text
 * @param {string[] | null} labels  the names of the classes, if they are known
 * @returns {number | number[]}
 */
function readTarget(text, labels) {
  const word = text.trim();
  if (/^\d+$/.test(word)) return readWhole(word, "a class", 0);
  if (labels?.includes(word)) return labels.indexOf(word);
  if (word.includes(",")) return word.split(",").map(readNumber);
  if (NUMBER.test(word)) return [readNumber(word)];
  if (!labels) throw new Mistake(`${quoted(text)} is no number of a class, and the network brings no names of any`);
  const known = labels.slice(0, 20).join(", ");
  throw new Mistake(`unknown label ${quoted(text)}${meant(word, labels) || ` (known: ${known})`}`);
}
