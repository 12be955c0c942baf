// Pictures through transforms, on their numbers: a canvas leaves the kernel and the border to the browser.
//
// Pictures are ImageData or alike. All four channels are resampled by themselves, never multiplied, so
// that the fourth can carry a mask. Pixel (0, 0) is a point at the centre of the first pixel.

/** A picture of one colour, opaque. */
export function blank(width, height, grey = 0) {
  const image = new ImageData(width, height);
  new Uint32Array(image.data.buffer).fill((0xff000000 | (grey * 0x010101)) >>> 0);
  return image;
}

/** A copy of a picture, or of the window x0, y0, x1, y1 of it. */
export function cut(image, { x0, y0, x1, y1 } = { x0: 0, y0: 0, x1: image.width, y1: image.height }) {
  const part = new ImageData(x1 - x0, y1 - y0);
  for (let y = y0; y < y1; y++) {
    const start = (y * image.width + x0) * 4;
    part.data.set(image.data.subarray(start, start + part.width * 4), (y - y0) * part.width * 4);
  }
  return part;
}

/** Make every pixel opaque; returns the same picture. */
export function opaque(image) {
  const { data } = image;
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return image;
}

/** Which source pixels a target pixel of an averaging resize covers, and by which share. */
function covering(from, to) {
  const ratio = from / to;
  return Array.from({ length: to }, (_, target) => {
    const start = target * ratio;
    const end = Math.min((target + 1) * ratio, from);
    const first = Math.floor(start);
    const shares = [];
    for (let at = first; at < end - 1e-9; at++) {
      shares.push((Math.min(at + 1, end) - Math.max(at, start)) / (end - start));
    }
    return { first, shares };
  });
}

/** Shrink to a size; each pixel is the mean of what it covers. */
export function shrunk(image, width, height) {
  const columns = covering(image.width, width);
  const rows = covering(image.height, height);
  const small = new ImageData(width, height);
  const sum = new Float32Array(width * 4);
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    rows[y].shares.forEach((share, k) => addRow(image, rows[y].first + k, share, columns, sum));
    small.data.set(sum, y * width * 4);
  }
  return small;
}

/** Add a row of the picture, averaged along x and weighted, to a row of sums. */
function addRow(image, y, weight, columns, sum) {
  const { data, width } = image;
  for (let x = 0; x < columns.length; x++) {
    const { first, shares } = columns[x];
    let at = (y * width + first) * 4;
    for (let k = 0; k < shares.length; k++, at += 4) {
      const share = shares[k] * weight;
      sum[x * 4] += data[at] * share;
      sum[x * 4 + 1] += data[at + 1] * share;
      sum[x * 4 + 2] += data[at + 2] * share;
      sum[x * 4 + 3] += data[at + 3] * share;
    }
  }
}

/**
 * The picture where a transform takes it, the edge pixels repeated beyond its border.
 *
 * imageFromOut takes pixels of the new picture to pixels of the old one.
 */
export function pulled(image, imageFromOut, width, height, cubic = false) {
  const out = new ImageData(width, height);
  const sample = cubic ? sampleCubic : sampleLinear;
  const [a, b, c, d, e, f] = imageFromOut;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      sample(image, a * x + b * y + c, d * x + e * y + f, out.data, at);
    }
  }
  return out;
}

function clamped(value, last) {
  return value < 0 ? 0 : value > last ? last : value;
}

/** One pixel between four. */
function sampleLinear(image, x, y, out, at) {
  const { data, width, height } = image;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const down = y - top;
  const x0 = clamped(left, width - 1) * 4;
  const x1 = clamped(left + 1, width - 1) * 4;
  const row0 = clamped(top, height - 1) * width * 4;
  const row1 = clamped(top + 1, height - 1) * width * 4;
  const w00 = (1 - right) * (1 - down);
  const w01 = right * (1 - down);
  const w10 = (1 - right) * down;
  const w11 = right * down;
  for (let k = 0; k < 4; k++) {
    out[at + k] =
      w00 * data[row0 + x0 + k] + w01 * data[row0 + x1 + k] +
      w10 * data[row1 + x0 + k] + w11 * data[row1 + x1 + k];
  }
}

const SHARPNESS = -0.75; // of the cubic kernel (Keys 1981), the value that OpenCV takes

/** Weights of the four pixels around a place that lies `t` after the second. */
function cubicWeights(t, weights) {
  const near = (s) => ((SHARPNESS + 2) * s - (SHARPNESS + 3)) * s * s + 1;
  const far = (s) => ((SHARPNESS * s - 5 * SHARPNESS) * s + 8 * SHARPNESS) * s - 4 * SHARPNESS;
  weights[0] = far(1 + t);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

const across = new Float64Array(4);
const along = new Float64Array(4);

/** One pixel among sixteen. */
function sampleCubic(image, x, y, out, at) {
  const { data, width, height } = image;
  const left = Math.floor(x);
  const top = Math.floor(y);
  cubicWeights(x - left, across);
  cubicWeights(y - top, along);
  let r = 0;
  let g = 0;
  let b = 0;
  let alpha = 0;
  for (let j = 0; j < 4; j++) {
    const row = clamped(top - 1 + j, height - 1) * width;
    for (let i = 0; i < 4; i++) {
      const weight = along[j] * across[i];
      const from = (row + clamped(left - 1 + i, width - 1)) * 4;
      r += weight * data[from];
      g += weight * data[from + 1];
      b += weight * data[from + 2];
      alpha += weight * data[from + 3];
    }
  }
  out[at] = r;
  out[at + 1] = g;
  out[at + 2] = b;
  out[at + 3] = alpha;
}
