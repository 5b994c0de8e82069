/**
 * The bytes of base64 text, inflated.
 *
 * @param {string} text
 */
async function inflated(text) {
  const characters = atob(text);
  const packed = new Uint8Array(characters.length);
  for (let i = 0; i < packed.length; i++) packed[i] = characters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/**
 * An array as Python packed it.
 *
 * @param {Packed} packed
 * @returns {Promise<Learned>}
 */
async function unpacked({ type, shape, data }) {
  const bytes = await inflated(data);
  const arrays = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
  return { shape, values: new Float32Array(new arrays[type](bytes)) };
}

/**
 * Maps (C, H, W), or a vector, as Python packed them.
 *
 * @param {Packed} packed
 * @returns {Promise<Maps>}
 */
async function unpackedMaps(packed) {
  const { shape, values } = await unpacked(packed);
  return { shape: shape.length === 3 ? [shape[1], shape[2], shape[0]] : shape, values };
}
