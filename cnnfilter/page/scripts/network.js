// The network as text, in the stage language: what `Network.__str__` writes in Python.

/**
 * The text of the network whose result is that of a stage.
 *
 * @param {Stage[]} stages
 * @param {{text: string, stages: number}[]} groups
 * @param {number} last  the stage's number
 * @param {string} input  what the picture is called
 */
function networkText(stages, groups, last = stages.length, input = "in") {
  const used = [...neededBy(stages, last)].filter((number) => number > 0).sort((a, b) => a - b);
  const own = [input, ...stages.map((stage, place) => namesOf(stage)[0] ?? `${place + 1}`)];
  const named = [...own];
  used.forEach((number, place) => {
    for (const read of stages[number - 1].reads) {
      if (read !== 0 && read !== (used[place - 1] ?? 0) && !namesOf(stages[read - 1]).length) named[read] = `node${read}`;
    }
  });
  const isWhole = wholeGroups(stages.slice(0, last), groups);
  const pieces = [];
  let before = 0;
  let inGroup = null;
  for (const number of used) {
    const stage = stages[number - 1];
    const group = stage.group != null && isWhole[stage.group] ? stage.group : null;
    if (group === null || group !== inGroup) {
      if (!stage.reads.includes(before)) pieces.push(`from:${escapeText(named[stage.reads[stage.reads.length - 1]])}`);
      if (group !== null) pieces.push(groups[group].text);
      else pieces.push(stageText(stage, joinedNames(stage, before, named), named[number] !== own[number] ? named[number] : stage.name));
    }
    [before, inGroup] = [number, group];
  }
  return pieces.join(",");
}

/**
 * Whether all stages of a preset or a file are there, as they came out of it.
 *
 * @param {Stage[]} stages
 * @param {{text: string, stages: number}[]} groups
 */
function wholeGroups(stages, groups) {
  return groups.map((each, group) => stages.filter((stage) => stage.group === group).length === each.stages);
}

/**
 * The stages that a result depends on, its own among them.
 *
 * @param {Stage[]} stages
 * @param {number} last
 */
function neededBy(stages, last) {
  const found = new Set([last]);
  for (let number = last; number > 0; number--) {
    if (found.has(number)) stages[number - 1].reads.forEach((read) => found.add(read));
  }
  return found;
}

/** @param {Stage} stage */
function namesOf({ name, aliases = [] }) {
  return name === null ? aliases : [name, ...aliases];
}

/**
 * What a stage that joins is given, beside the stage before where that comes last; empty for others.
 *
 * @param {Stage} stage
 * @param {number} before
 * @param {string[]} named
 */
function joinedNames(stage, before, named) {
  if (!kindOf(stage).joins) return "";
  const { reads } = stage;
  const most = reads.length - 1;
  const last = reads.includes(before) ? before : reads[most];
  const told = most > 0 && reads[most] === last && !reads.slice(0, most).includes(last) ? reads.slice(0, most) : reads;
  const text = told.map((read) => (read === last ? "last" : escapeText(named[read]))).join("+");
  return text.includes("=") ? `names=${text}` : text;
}

/**
 * A stage as it is listed: with what it joins, and without its name.
 *
 * @param {Stage[]} stages
 * @param {number} number
 */
function listedText(stages, number) {
  const names = ["in", ...stages.map((stage, place) => namesOf(stage)[0] ?? `${place + 1}`)];
  return stageText(stages[number - 1], joinedNames(stages[number - 1], number - 1, names), null);
}

/**
 * A stage as it is written: itself, what it joins, and its name.
 *
 * @param {Stage} stage
 * @param {string} joined
 * @param {string | null} name
 */
function stageText(stage, joined, name) {
  const text = kindOf(stage).text(stage) + (joined && `:${joined}`);
  return name === null ? text : `${text}:as=${escapeText(name)}`;
}
