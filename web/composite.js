// Putting a new face into the scene (ganonymization/synthesize/compositing.py): behind the wall only
// new pixels stand, and the feather lies wholly in the ring around it.

import { compose, inverse, shiftTo, unwarp } from "./align.js";
import { forEachPixel, opacity, RING } from "./wall.js";

export const SOLID_GREY = 127;

const GREY_LEVELS = 2; // mean spread of R, G, B in a grey picture, some JPEG noise included
const ALIKE_LEVELS = 60; // skin beside hair differs by more: no tone to be met
const TONE_SIGMA = 1 / 14; // of the crop's side: how far a difference of tone reaches

/** A picture that is being changed, and where nothing of the original is left. */
export class Canvas {
  constructor(image) {
    this.image = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
    this.opaque = new Uint8Array(image.width * image.height);
  }
}

/**
 * Shift the new face's tone to meet its surroundings in the ring; make it grey in grey ones.
 *
 * The difference between surroundings and drawing, known in the ring alone, is spread inwards by normalised
 * convolution (Knutsson and Westin, CVPR 1993) and fades towards the centre. A quarter of the
 * resolution is enough for what is so smooth.
 */
export function matchTone(drawn, crossing, place) {
  const size = place.sizePx;
  const radius = place.wall.radiusMap(size);
  const source = isGrey(crossing) ? greyed(drawn) : drawn;
  const small = Math.floor(size / 4);
  const [gap, count] = ringGap(source, crossing, radius, size, small);
  const sigma = (TONE_SIGMA * size) / 4;
  const smoothGap = blurred(gap, small, 3, sigma);
  const smoothCount = blurred(count, small, 1, sigma);
  const smallRadius = stretched(radius, size, 1, small);
  for (let k = 0; k < small * small; k++) {
    const reach = Math.min(Math.max((smallRadius[k] - 0.5) / 0.5, 0), 1);
    const share = (reach * reach * (3 - 2 * reach)) / Math.max(smoothCount[k], 1e-4);
    for (let c = 0; c < 3; c++) smoothGap[k * 3 + c] *= share;
  }
  const shift = stretched(smoothGap, small, 3, size);
  const toned = new ImageData(new Uint8ClampedArray(source.data), size, size);
  for (let k = 0; k < size * size; k++) {
    for (let c = 0; c < 3; c++) toned.data[k * 4 + c] = source.data[k * 4 + c] + shift[k * 3 + c];
  }
  return toned;
}

/** Surroundings minus drawing, the more alike the more it counts; and how much does, by small squares. */
function ringGap(drawn, crossing, radius, size, small) {
  const weighted = { width: size, height: size, data: new Float32Array(size * size * 4) };
  for (let k = 0, at = 0; k < radius.length; k++, at += 4) {
    if (crossing.wallMask[k] || radius[k] >= RING * 1.1) continue;
    const gap = [0, 1, 2].map((c) => crossing.context.data[at + c] - drawn.data[at + c]);
    const alike = Math.exp(-((Math.max(...gap.map(Math.abs)) / ALIKE_LEVELS) ** 2));
    for (let c = 0; c < 3; c++) weighted.data[at + c] = gap[c] * alike;
    weighted.data[at + 3] = alike;
  }
  const means = averaged(weighted, small);
  const gap = new Float32Array(small * small * 3);
  const count = new Float32Array(small * small);
  for (let k = 0; k < count.length; k++) {
    count[k] = means[k * 4 + 3];
    for (let c = 0; c < 3; c++) gap[k * 3 + c] = means[k * 4 + c];
  }
  return [gap, count];
}

/** Means over squares, four numbers by pixel and not rounded. */
function averaged(image, small) {
  const side = image.width / small;
  const sums = new Float32Array(small * small * 4);
  const share = 1 / (side * side);
  for (let y = 0, at = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++, at += 4) {
      const to = (Math.floor(y / side) * small + Math.floor(x / side)) * 4;
      for (let c = 0; c < 4; c++) sums[to + c] += image.data[at + c] * share;
    }
  }
  return sums;
}

/** A square of numbers, so many by pixel, blurred by a Gaussian; the border mirrors. */
function blurred(values, side, channels, sigma) {
  const reach = Math.round(sigma * 4);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((total, weight) => total + weight);
  const kernel = Float32Array.from(weights, (weight) => weight / sum);
  const along = convolved(values, side, channels, kernel, channels, side * channels);
  return convolved(along, side, channels, kernel, side * channels, channels);
}

/** A convolution along one axis: `step` numbers from pixel to pixel, `skip` from line to line. */
function convolved(values, side, channels, kernel, step, skip) {
  const out = new Float32Array(values.length);
  const reach = (kernel.length - 1) / 2;
  const mirrored = (at) => {
    const folded = Math.abs(at) % (2 * side - 2 || 1);
    return folded < side ? folded : 2 * side - 2 - folded;
  };
  for (let at = 0; at < side; at++) {
    for (let k = 0; k < kernel.length; k++) {
      const from = mirrored(at + k - reach) * step;
      for (let line = 0; line < side; line++) {
        for (let c = 0; c < channels; c++) {
          out[at * step + line * skip + c] += kernel[k] * values[from + line * skip + c];
        }
      }
    }
  }
  return out;
}

/** A square of numbers at another size, linear between the four around each. */
function stretched(values, from, channels, to) {
  const out = new Float32Array(to * to * channels);
  const places = Array.from({ length: to }, (_, k) => {
    const place = Math.min(Math.max(((k + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.min(Math.floor(place), from - 2);
    return [low, place - low];
  });
  for (let y = 0, at = 0; y < to; y++) {
    const [row, down] = places[y];
    for (let x = 0; x < to; x++) {
      const [column, right] = places[x];
      const corner = (row * from + column) * channels;
      for (let c = 0; c < channels; c++, at++) {
        const above = values[corner + c] * (1 - right) + values[corner + channels + c] * right;
        const next = corner + from * channels + c;
        const below = values[next] * (1 - right) + values[next + channels] * right;
        out[at] = above * (1 - down) + below * down;
      }
    }
  }
  return out;
}

/** Whether the surroundings have no colour, as in a black and white picture kept as RGB. */
function isGrey({ context, wallMask }) {
  let spread = 0;
  let seen = 0;
  for (let k = 0, at = 0; k < wallMask.length; k++, at += 4) {
    if (wallMask[k]) continue;
    const [r, g, b] = [context.data[at], context.data[at + 1], context.data[at + 2]];
    spread += Math.max(r, g, b) - Math.min(r, g, b);
    seen++;
  }
  return seen > 0 && spread / seen < GREY_LEVELS;
}

/** A picture without its colours, by the weights of ITU-R BT.601. */
function greyed(image) {
  const out = new ImageData(image.width, image.height);
  for (let at = 0; at < image.data.length; at += 4) {
    const grey = 0.299 * image.data[at] + 0.587 * image.data[at + 1] + 0.114 * image.data[at + 2];
    out.data.fill(grey, at, at + 3);
    out.data[at + 3] = 255;
  }
  return out;
}

/** The new face in its surroundings, in the crop. */
export function blendCrop(drawn, crossing, place) {
  const radius = place.wall.radiusMap(place.sizePx);
  const out = new ImageData(place.sizePx, place.sizePx);
  for (let k = 0, at = 0; k < radius.length; k++, at += 4) {
    const alpha = crossing.wallMask[k] ? 1 : opacity(radius[k]);
    for (let c = 0; c < 3; c++) {
      out.data[at + c] = alpha * drawn.data[at + c] + (1 - alpha) * crossing.context.data[at + c];
    }
    out.data[at + 3] = 255;
  }
  return out;
}

/** Put a crop's face into the picture. */
export function paste(canvas, drawn, place) {
  const { image } = canvas;
  const window = place.window(image, RING);
  const [width, height] = [window.x1 - window.x0, window.y1 - window.y0];
  if (width <= 0 || height <= 0) return;
  const radius = place.radius(window);
  const windowFromCrop = inverse(compose(place.cropFromImage, shiftTo(window)));
  const fresh = unwarp(drawn, windowFromCrop, width, height);
  forEachPixel(image, window, (at, k) => {
    if (radius[k] >= RING) return;
    const alpha = opacity(radius[k]);
    for (let c = 0; c < 3; c++) {
      image.data[at + c] = alpha * fresh.data[k * 4 + c] + (1 - alpha) * image.data[at + c];
    }
    if (radius[k] <= 1) canvas.opaque[at / 4] = 1;
  });
}

/** Put a solid fill over what lies within so many radii of a place. */
export function cover(canvas, place, radii) {
  const window = place.window(canvas.image, radii);
  const radius = place.radius(window);
  forEachPixel(canvas.image, window, (at, k) => {
    if (radius[k] > radii) return;
    canvas.image.data.fill(SOLID_GREY, at, at + 3);
    canvas.opaque[at / 4] = 1;
  });
}

/** Share of the ellipse within a box of which nothing of the original is left; 1 outside the picture. */
export function coveredShare([left, top, right, bottom], canvas) {
  const { width, height } = canvas.image;
  const window = {
    x0: Math.max(0, Math.floor(left)),
    y0: Math.max(0, Math.floor(top)),
    x1: Math.min(width, Math.ceil(right) + 1),
    y1: Math.min(height, Math.ceil(bottom) + 1),
  };
  let inside = 0;
  let covered = 0;
  for (let y = window.y0; y < window.y1; y++) {
    for (let x = window.x0; x < window.x1; x++) {
      const u = (x - (left + right) / 2) / ((right - left) / 2);
      const v = (y - (top + bottom) / 2) / ((bottom - top) / 2);
      if (u * u + v * v > 1) continue;
      inside++;
      covered += canvas.opaque[y * width + x];
    }
  }
  return inside ? covered / inside : 1;
}
