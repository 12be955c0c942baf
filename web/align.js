// Similarity transforms between the picture and upright square crops, and warping along them.
//
// A transform is six numbers, two rows of three; "cropFromImage" takes picture pixels to crop pixels.
// Points are x, y, z by landmark in one Float64Array.

import { CANONICAL_RIGID, RIGID, picked } from "./topology.js";
import { cut, pulled, shrunk } from "./resample.js";

const CROP_CENTRE_CANONICAL = [0, 0.3, 0.3]; // behind the nose, so that a turned head stays

/**
 * Least-squares similarity: target ~ scale * R source + shift.
 *
 * The rotation is the unit quaternion that is the first eigenvector of Horn's matrix (Horn, JOSA A 1987);
 * its eigenvalue is the trace that Umeyama's scale asks for (TPAMI 1991).
 */
export function fitSimilarity3d(source, target) {
  const count = source.length / 3;
  const from = centre(source);
  const to = centre(target);
  const s = new Float64Array(9); // sum of source_i target_j
  let spread = 0;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < 3; i++) {
      const a = source[n * 3 + i] - from[i];
      spread += a * a;
      for (let j = 0; j < 3; j++) s[i * 3 + j] += a * (target[n * 3 + j] - to[j]);
    }
  }
  const { value, vector } = firstEigenvector([
    [s[0] + s[4] + s[8], s[5] - s[7], s[6] - s[2], s[1] - s[3]],
    [s[5] - s[7], s[0] - s[4] - s[8], s[1] + s[3], s[6] + s[2]],
    [s[6] - s[2], s[1] + s[3], s[4] - s[0] - s[8], s[5] + s[7]],
    [s[1] - s[3], s[6] + s[2], s[5] + s[7], s[8] - s[0] - s[4]],
  ]);
  const rotation = rotationOf(vector);
  const scale = value / spread;
  const turned = rotated(rotation, from);
  return { scale, rotation, shift: to.map((value, k) => value - scale * turned[k]) };
}

function centre(points) {
  const mean = [0, 0, 0];
  for (let at = 0; at < points.length; at++) mean[at % 3] += points[at];
  return mean.map((sum) => sum / (points.length / 3));
}

/** A rotation, nine numbers by rows, times a point. */
export function rotated(r, [x, y, z]) {
  return [
    r[0] * x + r[1] * y + r[2] * z,
    r[3] * x + r[4] * y + r[5] * z,
    r[6] * x + r[7] * y + r[8] * z,
  ];
}

function rotationOf([w, x, y, z]) {
  return [
    w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z,
  ];
}

/** Largest eigenvalue of a symmetric matrix and its unit vector, by Jacobi's rotations. */
function firstEigenvector(matrix) {
  const size = matrix.length;
  const vectors = matrix.map((_, i) => matrix.map((_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 30; sweep++) {
    let rest = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        rest += Math.abs(matrix[p][q]);
        if (matrix[p][q] !== 0) turnPlane(matrix, vectors, p, q);
      }
    }
    if (rest === 0) break;
  }
  const best = matrix.reduce((top, row, k) => (row[k] > matrix[top][top] ? k : top), 0);
  return { value: matrix[best][best], vector: vectors.map((row) => row[best]) };
}

/** One Jacobi rotation, which makes matrix[p][q] zero. */
function turnPlane(matrix, vectors, p, q) {
  const theta = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q]);
  const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cos = 1 / Math.hypot(tan, 1);
  const sin = tan * cos;
  const mixColumns = (rows) => {
    for (const row of rows) [row[p], row[q]] = [cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]];
  };
  mixColumns(matrix);
  for (let k = 0; k < matrix.length; k++) {
    const [a, b] = [matrix[p][k], matrix[q][k]];
    matrix[p][k] = cos * a - sin * b;
    matrix[q][k] = sin * a + cos * b;
  }
  matrix[p][q] = matrix[q][p] = 0;
  mixColumns(vectors);
}

/**
 * cropFromImage of the square with this centre and side, turned upright.
 *
 * angleRad is the direction of its upper edge in the picture, clockwise from the x axis.
 */
export function similarity([x, y], sidePx, angleRad, sizePx) {
  const cos = (sizePx / sidePx) * Math.cos(angleRad);
  const sin = (sizePx / sidePx) * Math.sin(angleRad);
  const middle = (sizePx - 1) / 2;
  return [cos, sin, middle - cos * x - sin * y, -sin, cos, middle + sin * x - cos * y];
}

/** In-plane angle of a rotation; a profile foreshortens the eye axis, so R itself is taken. */
export function tiltOf(r) {
  return Math.atan2(r[3] - r[1], r[0] + r[4]);
}

/** cropFromImage of the upright square that the generator draws, sideEyes outer-eye distances wide. */
export function generatorCrop(landmarksPx, sizePx, sideEyes) {
  const { scale, rotation, shift } = fitSimilarity3d(CANONICAL_RIGID, picked(landmarksPx, RIGID));
  const [x, y] = rotated(rotation, CROP_CENTRE_CANONICAL).map((v, k) => scale * v + shift[k]);
  return similarity([x, y], sideEyes * scale, tiltOf(rotation), sizePx);
}

/** The transform back. */
export function inverse([a, b, c, d, e, f]) {
  const det = a * e - b * d;
  return [e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det];
}

/** The transform that does `first`, then `second`. */
export function compose(second, first) {
  const [a, b, c, d, e, f] = second;
  const [g, h, i, j, k, l] = first;
  return [a * g + b * j, a * h + b * k, a * i + b * l + c, d * g + e * j, d * h + e * k, d * i + e * l + f];
}

/** Target pixels per source pixel. */
export function scaleOf([a, b, , d, e]) {
  return Math.sqrt(Math.abs(a * e - b * d));
}

/** Move a point of the picture. */
export function moved([a, b, c, d, e, f], [x, y]) {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** Move landmarks; the depth is scaled along. */
export function apply(transform, points) {
  const out = new Float64Array(points.length);
  const scale = scaleOf(transform);
  for (let at = 0; at < points.length; at += 3) {
    [out[at], out[at + 1]] = moved(transform, [points[at], points[at + 1]]);
    out[at + 2] = points[at + 2] * scale;
  }
  return out;
}

/** Where the corners of a square crop lie in the picture. */
export function cropCorners(cropFromImage, sizePx) {
  const imageFromCrop = inverse(cropFromImage);
  const last = sizePx - 1;
  return [[0, 0], [last, 0], [last, last], [0, last]].map((corner) => moved(imageFromCrop, corner));
}

/** The shift from a window's pixels to the picture's. */
export function shiftTo({ x0, y0 }) {
  return [1, 0, x0, 0, 1, y0];
}

/** Resample a picture into a square crop, without aliasing when it shrinks. */
export function warp(image, cropFromImage, sizePx) {
  const scale = scaleOf(cropFromImage);
  if (scale < 0.7) {
    const window = seenWindow(image, cropFromImage, sizePx);
    const part = cut(image, window);
    const cropFromPart = compose(cropFromImage, shiftTo(window));
    return pulledSmall(part, cropFromPart, Math.max(scale, 0.01), sizePx, sizePx);
  }
  return pulled(image, inverse(cropFromImage), sizePx, sizePx, scale >= 1.5);
}

/** Average first, then resample: between four pixels alone, others would be skipped. */
function pulledSmall(image, outFromImage, scale, width, height) {
  const smallWidth = Math.max(1, Math.round(image.width * scale));
  const smallHeight = Math.max(1, Math.round(image.height * scale));
  const small = shrunk(image, smallWidth, smallHeight);
  const rx = image.width / smallWidth;
  const ry = image.height / smallHeight;
  const imageFromSmall = [rx, 0, 0.5 * rx - 0.5, 0, ry, 0.5 * ry - 0.5];
  return pulled(small, inverse(compose(outFromImage, imageFromSmall)), width, height);
}

/** Resample a crop into a window of the picture of this width and height. */
export function unwarp(crop, windowFromCrop, width, height) {
  const scale = scaleOf(windowFromCrop);
  if (scale < 0.7) {
    const ratio = Math.max(8, Math.round(crop.width * scale)) / crop.width;
    return pulledSmall(crop, windowFromCrop, ratio, width, height);
  }
  return pulled(crop, inverse(windowFromCrop), width, height, scale > 1);
}

/** The part of the picture that a crop shows, with what the resampling reads around it. */
function seenWindow(image, cropFromImage, sizePx) {
  const around = 4 / Math.min(1, scaleOf(cropFromImage));
  const corners = cropCorners(cropFromImage, sizePx);
  const [x0, x1] = reach(corners.map(([x]) => x), around, image.width);
  const [y0, y1] = reach(corners.map(([, y]) => y), around, image.height);
  return { x0, y0, x1, y1 };
}

function reach(values, around, side) {
  const low = Math.min(Math.max(Math.floor(Math.min(...values) - around), 0), side - 1);
  const high = Math.ceil(Math.max(...values) + around) + 1;
  return [low, Math.min(Math.max(high, low + 1), side)];
}
