/** @type {Contents} what there is before Python's is read */
const NOTHING = {
  title: "",
  before: "",
  whole: null,
  input: null,
  picture: { name: "", file: null, scale: 1, maps: { type: "uint8", shape: [0, 0, 0], data: "" } },
  stages: [],
  groups: [],
  labels: [],
  kernels: [],
  isStatic: false,
  limits: { macs: 0, values: 0 },
};

/**
 * The picture, the stages, and those results that are embedded.
 *
 * @param {Contents} contents
 * @returns {Promise<{picture: Maps, stages: Stage[], results: (Maps | undefined)[]}>}
 */
async function unpackedContents(contents) {
  const picture = await unpackedMaps(contents.picture.maps);
  const stages = contents.stages.map(async ({ result: _, ...stage }) => {
    const learned = Object.entries(stage.learned).map(async ([role, array]) => [role, await unpacked(array)]);
    return { ...stage, learned: Object.fromEntries(await Promise.all(learned)) };
  });
  const results = contents.stages.map(({ result }) => result && unpackedMaps(result));
  return { picture, stages: await Promise.all(stages), results: await Promise.all(results) };
}
