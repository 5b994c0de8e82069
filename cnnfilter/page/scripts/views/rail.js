// @ts-check
// The line above the stages that shows what each reads: dots in a row, and arcs where a stage reads one further back.

/** The width of a stage in the overview, and the gap to the next, in pixels. */
const [COLUMN, COLUMN_GAP] = [176, 20];
/** The height of a lane of arcs, and the radius of a dot. */
const [LANE, DOT] = [13, 4];

/** An edge that does not come from the stage before: from one column to another, in a lane above. */
/** @typedef {{from: number, to: number, lane: number}} Arc */

/**
 * The arcs over the dots, each in the lowest lane in which it crosses over no other.
 * @param {Stage[]} stages
 * @returns {Arc[]}
 */
function arcsOf(stages) {
  const arcs = stages.flatMap((stage, i) =>
    [...new Set(stage.reads)].filter((read) => read !== i).map((read) => ({ from: read, to: i + 1, lane: 0 })),
  );
  arcs.sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from);
  arcs.forEach((arc, i) => {
    const taken = new Set(
      arcs
        .slice(0, i)
        .filter((other) => other.from < arc.to && arc.from < other.to)
        .map((other) => other.lane),
    );
    while (taken.has(arc.lane)) arc.lane++;
  });
  return arcs;
}

/**
 * The rail of a network, as a drawing that screen readers pass over: each stage's text says what it reads.
 * @param {Stage[]} stages
 */
function rail(stages) {
  const arcs = arcsOf(stages);
  const lanes = arcs.length ? Math.max(...arcs.map((arc) => arc.lane)) + 1 : 0;
  const base = lanes * LANE + 10;
  const width = (stages.length + 1) * (COLUMN + COLUMN_GAP) - COLUMN_GAP;
  const middle = (/** @type {number} */ column) => column * (COLUMN + COLUMN_GAP) + COLUMN / 2;
  const lines = stages.flatMap((stage, i) =>
    stage.reads.includes(i)
      ? [
          drawing("path", {
            d: `M${middle(i) + DOT + 2} ${base}H${middle(i + 1) - DOT - 8}`,
            "marker-end": "url(#rail-arrow)",
            "data-edge": `${i}-${i + 1}`,
          }),
        ]
      : [],
  );
  const curves = arcs.map(({ from, to, lane }) => {
    const top = base - 10 - (lane + 0.5) * LANE;
    const [x1, x2, bend] = [middle(from), middle(to), 14];
    const fall = `q${bend} 0 ${bend} ${bend}V${base - DOT - 8}`;
    const path = `M${x1} ${base - DOT - 2}V${top + 6}q0 -6 6 -6H${x2 - bend}${fall}`;
    return drawing("path", { d: path, "marker-end": "url(#rail-arrow)", "data-edge": `${from}-${to}` });
  });
  const dots = Array.from({ length: stages.length + 1 }, (_, i) =>
    drawing("circle", { cx: middle(i), cy: base, r: DOT, "data-dot": i }),
  );
  const arrow = drawing(
    "marker",
    {
      id: "rail-arrow",
      viewBox: "0 0 6 6",
      refX: 1,
      refY: 3,
      markerWidth: 6,
      markerHeight: 6,
      orient: "auto",
      markerUnits: "userSpaceOnUse",
    },
    drawing("path", { d: "M0 0L6 3L0 6z", class: "arrow" }),
  );
  return drawing(
    "svg",
    { class: "rail", width, height: base + 8, viewBox: `0 0 ${width} ${base + 8}`, "aria-hidden": "true" },
    drawing("defs", {}, arrow),
    ...lines,
    ...curves,
    ...dots,
  );
}
