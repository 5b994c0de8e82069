/** The largest file of a picture that is looked at, in bytes. */
const LARGEST_PICTURE_FILE = 64 * 2 ** 20;

/** The most pixels of a picture that is decoded: as many as the command decodes. */
const MOST_PIXELS = 89478485;

/**
 * The picture in a file that a person chose, as the browser reads it. Such a file is not trusted: its size is bounded
 * before it is looked at, its pixels before they are decoded, and it is never taken for a drawing with scripts (SVG).
 * @param {Blob} file
 * @returns {Promise<HTMLImageElement>} decoded, upright
 * @throws {Mistake}
 */
async function pictureInFile(file) {
  if (file.size > LARGEST_PICTURE_FILE) {
    throw new Mistake(`the file has ${grouped(file.size)} bytes, at most ${grouped(LARGEST_PICTURE_FILE)} are read`);
  }
  // Browsers tell pictures of pixels by their content, whatever they are said to be; SVG must be said to be SVG.
  const address = URL.createObjectURL(new Blob([file], { type: "image/png" }));
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
    const pixels = image.naturalWidth * image.naturalHeight;
    if (pixels > MOST_PIXELS) {
      const size = `${image.naturalWidth}x${image.naturalHeight}`;
      throw new Mistake(`the picture is ${size}, and has more than ${grouped(MOST_PIXELS)} pixels`);
    }
    await image.decode();
    return image;
  } catch (error) {
    if (error instanceof Mistake) throw error;
    throw new Mistake("the file is no picture that this browser can read; try a PNG or a JPEG");
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * The part of a picture, in its middle, that has the proportions of another size.
 * @param {number} width
 * @param {number} height
 * @param {number} wantedWidth
 * @param {number} wantedHeight
 * @returns {[number, number, number, number]} left, top, width, height
 */
function middlePart(width, height, wantedWidth, wantedHeight) {
  const scale = Math.min(width / wantedWidth, height / wantedHeight);
  const [partWidth, partHeight] = [wantedWidth * scale, wantedHeight * scale];
  return [(width - partWidth) / 2, (height - partHeight) / 2, partWidth, partHeight];
}

/**
 * A picture as maps of the network's size: its middle, of one map as grey, of three as red, green and blue.
 * @param {CanvasImageSource} source
 * @param {[number, number, number, number]} part   of the source: left, top, width, height
 * @param {Shape} shape      [H, W, C]; C is 1 or 3
 * @param {number} white     what white is: 255, 65535 or 1
 * @returns {Maps}           of whole numbers where white is 255, so that a file of 8 bits holds them
 */
function mapsOfPicture(source, part, [height, width, channels], white) {
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { width, height }));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...part, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const size = height * width;
  const values = new Float32Array(channels * size);
  for (let at = 0; at < size; at += 1) {
    const [red, green, blue] = data.subarray(4 * at, 4 * at + 3);
    const samples = channels === 1 ? [Math.round(0.299 * red + 0.587 * green + 0.114 * blue)] : [red, green, blue];
    samples.forEach((sample, map) => {
      values[map * size + at] = (sample * white) / 255;
    });
  }
  return { shape: [height, width, channels], values };
}

/**
 * A picture as a file that the command reads with exactly these numbers: of 8 bits PGM of one map and PPM of three, of
 * others NumPy's.
 * @param {Maps} maps
 * @param {number} white  what white is: 255 of 8 bits, 65535 of 16, 1 of floats
 * @returns {SavedFile}
 */
function pictureFile({ shape: [height, width, channels], values }, white) {
  const size = height * width;
  // those of a pixel side by side
  const samples = () => values.map((_, at) => values[(at % channels) * size + Math.floor(at / channels)]);
  if (white === 255) {
    const header = `P${channels === 1 ? 5 : 6}\n${width} ${height}\n255\n`;
    return {
      name: channels === 1 ? "picture.pgm" : "picture.ppm",
      blob: () => new Blob([header, Uint8ClampedArray.from(samples())]),
    };
  }
  const shape = channels === 1 ? `(${height}, ${width})` : `(${height}, ${width}, ${channels})`;
  const isWhole = white === 65535;
  const kind = isWhole ? "<u2" : "<f4";
  const header = `{'descr': '${kind}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117); // 128 bytes in all
  const begin = new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length + 1, 0]);
  return {
    name: "picture.npy",
    blob: () => new Blob([begin, header, "\n", isWhole ? Uint16Array.from(samples(), Math.round) : samples()]),
  };
}
