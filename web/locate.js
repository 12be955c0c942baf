// All faces of a still picture. FaceMesh's detector sees a picture at 128 pixels and misses what is small in
// it, so it looks at the whole and at overlapping squares of it, each half as wide as those before.

import { boxOf, checkPlausible } from "./plausibility.js";
import { pulled } from "./resample.js";

const LOOK_SIDE_PX = 512; // what is looked at is shrunk to this longer side
const STEP = 0.6; // from square to square, of their side
const LEAST_SQUARE_PX = 160; // in smaller ones a face would have too few pixels to be drawn anew
const QUICK_HALVINGS = 1; // of the picture's shorter side
const CLOSE_HALVINGS = 2;
const SAME_IOU = 0.35; // intersection over union of boxes of one face
const SAME_INSIDE = 0.75; // or this share of the smaller one in the other
const AGAIN_SIDES = [2, 1.4, 2.6]; // of the square in which a face is seen again, in those of its box
const TIMES_AGAIN = 2;
const CUT_INSIDE = 0.25; // this much suffices where a square's edge cut a face

/**
 * Every face once, largest first: {boxes, landmarksPx, problem}.
 *
 * boxes are left, top, right, bottom in picture pixels, of all sightings, the best first. landmarksPx is
 * null where problem tells what is wrong with them. closely also looks for faces half as large;
 * told(done, all) is called with how many looks are done, and may throw to end it.
 */
export async function locateFaces(image, finder, { closely = true, told = () => undefined } = {}) {
  for (let quarters = 0; quarters < 4; quarters++) {
    const turned = quarters ? turnedBy(image, quarters) : image;
    const source = canvasOf(turned);
    // A picture that stands on its side holds large faces or none: one look is enough.
    const parts = quarters ? [wholeOf(turned)] : partsOf(turned, closely ? CLOSE_HALVINGS : QUICK_HALVINGS);
    const faces = merged(await lookAtAll(source, parts, finder, told));
    for (const face of faces) await lookAgain(face, source, finder);
    if (faces.length) return faces.map((face) => turnedBack(face, quarters, image));
  }
  return [];
}

/** What is known of one face by its landmarks; throws where they do not even tell its place. */
export function sighted(points) {
  if (!points.every(Number.isFinite)) throw new Error("a face's landmarks are not finite");
  const face = { boxes: [boxOf(points)], landmarksPx: points, problem: null };
  try {
    checkPlausible(points);
  } catch (error) {
    return { ...face, landmarksPx: null, problem: error.message };
  }
  return face;
}

/** A canvas with a picture, not in the document. */
export function canvasOf(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function wholeOf({ width, height }) {
  return { x: 0, y: 0, width, height };
}

/** The whole picture, then squares as wide as its shorter side, then as half of it, and so on. */
function partsOf({ width, height }, halvings) {
  const parts = [wholeOf({ width, height })];
  const shorter = Math.min(width, height);
  for (let k = width === height ? 1 : 0; k <= halvings; k++) {
    const side = Math.round(shorter / 2 ** k);
    if (side < LEAST_SQUARE_PX) break;
    for (const y of startsOf(height, side)) {
      for (const x of startsOf(width, side)) parts.push({ x, y, width: side, height: side });
    }
  }
  return parts;
}

/** Where squares begin that cover a length evenly. */
function startsOf(length, side) {
  const steps = Math.ceil((length - side) / (STEP * side));
  return Array.from({ length: steps + 1 }, (_, k) => (steps ? Math.round((k * (length - side)) / steps) : 0));
}

async function lookAtAll(source, parts, finder, told) {
  const found = [];
  for (const [k, part] of parts.entries()) {
    told(k, parts.length);
    await breath();
    found.push(...(await lookAt(source, part, finder)));
  }
  return found;
}

/** Let the browser paint and listen: FaceMesh answers without ever giving it a turn. */
function breath() {
  return new Promise((resolve) => setTimeout(resolve));
}

/**
 * See a face twice again in squares of its own, which gives better landmarks. What is not is doubtful and gets
 * covered, for a face drawn on a thing that is none would be odd.
 */
async function lookAgain(face, source, finder) {
  const seen = [];
  for (const sides of AGAIN_SIDES) {
    await breath();
    const again = await seenIn(squareAround(face.boxes[0], sides), face, source, finder);
    if (again) seen.push(again);
    if (seen.length === TIMES_AGAIN) break;
  }
  if (seen.length < TIMES_AGAIN) {
    face.landmarksPx = null;
    face.problem ??= "it was not seen again when looked at closely";
    return;
  }
  face.landmarksPx = seen[0].landmarksPx;
  face.problem = null;
  face.boxes.unshift(seen[0].boxes[0]);
}

function squareAround([left, top, right, bottom], sides) {
  const side = sides * Math.max(right - left, bottom - top);
  return { x: (left + right - side) / 2, y: (top + bottom - side) / 2, width: side, height: side };
}

/** The sighting of a face in a part of the picture, if it is a plausible one. */
async function seenIn(part, face, source, finder) {
  const sightings = (await lookAt(source, part, finder)).map(({ points }) => sighted(points));
  return sightings.find((again) => again.landmarksPx && sameFace(again.boxes[0], face.boxes[0]));
}

/** The faces in a part of a canvas: {points, cut}, landmarks in pixels of the whole. */
async function lookAt(source, part, finder) {
  const shrink = Math.min(1, LOOK_SIDE_PX / Math.max(part.width, part.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(part.width * shrink));
  canvas.height = Math.max(1, Math.round(part.height * shrink));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, part.x, part.y, part.width, part.height, 0, 0, canvas.width, canvas.height);
  const faces = await finder.find(canvas, { still: true });
  const [rx, ry] = [part.width / canvas.width, part.height / canvas.height];
  return faces.map((face) => {
    const points = face.map((value, k) => {
      if (k % 3 === 0) return part.x + (value + 0.5) * rx - 0.5;
      return k % 3 === 1 ? part.y + (value + 0.5) * ry - 0.5 : value * rx;
    });
    return { points, cut: isCut(boxOf(points), part, source) };
  });
}

/** Whether a face reaches over an edge of a part that is none of the picture. */
function isCut([left, top, right, bottom], { x, y, width, height }, whole) {
  const acrossSides = (left < x && x > 0) || (right > x + width - 1 && x + width < whole.width);
  return acrossSides || (top < y && y > 0) || (bottom > y + height - 1 && y + height < whole.height);
}

/** A picture turned by quarters, against the clock. */
function turnedBy(image, quarters) {
  const { width, height } = image;
  const [w, h] = quarters % 2 ? [height, width] : [width, height];
  const imageFromTurned = [
    null, [0, -1, width - 1, 1, 0, 0], [-1, 0, width - 1, 0, -1, height - 1], [0, 1, 0, -1, 0, height - 1],
  ][quarters];
  return pulled(image, imageFromTurned, w, h);
}

/** A face in a turned picture in pixels of the upright one. */
function turnedBack({ boxes, landmarksPx, problem }, quarters, { width, height }) {
  const back = [
    (x, y) => [x, y],
    (x, y) => [width - 1 - y, x],
    (x, y) => [width - 1 - x, height - 1 - y],
    (x, y) => [y, height - 1 - x],
  ][quarters];
  const points = landmarksPx && Float64Array.from(landmarksPx);
  for (let at = 0; at < (points?.length ?? 0); at += 3) {
    [points[at], points[at + 1]] = back(points[at], points[at + 1]);
  }
  const upright = boxes.map(([left, top, right, bottom]) =>
    boxOf([...back(left, top), 0, ...back(right, bottom), 0]),
  );
  return { boxes: upright, landmarksPx: points, problem };
}

/** Sightings of one face as one; those that are plausible, whole and large are taken before others. */
function merged(sightings) {
  const faces = sightings.map(({ points, cut }) => ({ ...sighted(points), cut }));
  const order = (face) => (face.landmarksPx ? 0 : 2) + (face.cut ? 1 : 0);
  faces.sort((a, b) => order(a) - order(b) || area(b.boxes[0]) - area(a.boxes[0]));
  const kept = [];
  for (const face of faces) {
    const same = kept.find(({ boxes }) => sameFace(boxes[0], face.boxes[0], face.cut ? CUT_INSIDE : SAME_INSIDE));
    if (!same) kept.push(face);
    else if (!face.cut) same.boxes.push(...face.boxes); // half a face would move the wall
  }
  return kept.sort((a, b) => area(b.boxes[0]) - area(a.boxes[0]));
}

function area([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

/** Whether two boxes in one picture are of one face: inside is the share of the smaller one in the other. */
export function sameFace(a, b, inside = SAME_INSIDE) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return false;
  const common = width * height;
  const smaller = Math.min(area(a), area(b));
  return common >= SAME_IOU * (area(a) + area(b) - common) || common >= inside * smaller;
}
