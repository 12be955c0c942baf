// What the generator sees of the geometry: the filled mesh of ganonymization/geometry/conditioning.py.

import { colourOf, fillPolygon, fillTriangle, inDisc, Raster, smoothLine } from "./raster.js";
import { BROWS, EYES, LIPS_INNER, LIPS_OUTER, TRIANGLE_COLOURS, TRIANGLES } from "./topology.js";

const STEPS = 16; // of a pixel: points are placed to these, as OpenCV places them
const MOUTH = colourOf(40, 0, 0);
const SCLERA = colourOf(190, 190, 190);
const BLACK = colourOf(0, 0, 0);
const INSIDE = 1;

/**
 * Draw the face as a surface coloured by where on the canonical face each triangle lies.
 *
 * landmarksPx are in crop pixels; smaller z is nearer. Gives a square ImageData, black where there is no face.
 */
export function mesh(landmarksPx, sizePx) {
  const raster = new Raster(sizePx, sizePx, BLACK);
  const placed = landmarksPx.map((value) => Math.round(value * STEPS) / STEPS);
  const at = (landmark) => [placed[landmark * 3], placed[landmark * 3 + 1]];
  paintSurface(raster, landmarksPx, placed);
  fillPolygon(raster, LIPS_INNER.map(at), MOUTH);
  for (const eye of EYES) paintEye(raster, landmarksPx, at, eye);
  const widthPx = Math.max(1, Math.round(sizePx / 256));
  for (const ring of [LIPS_OUTER, LIPS_INNER, EYES[1].ring, EYES[0].ring]) {
    paintPath(raster, [...ring, ring[0]].map(at), widthPx);
  }
  for (const brow of BROWS) paintPath(raster, brow.map(at), widthPx);
  return raster.image();
}

/** The triangles, far to near. */
function paintSurface(raster, landmarksPx, placed) {
  const count = TRIANGLES.length / 3;
  const depth = new Float64Array(count);
  for (let k = 0; k < TRIANGLES.length; k++) depth[Math.floor(k / 3)] += landmarksPx[TRIANGLES[k] * 3 + 2];
  const order = Array.from(depth.keys()).sort((a, b) => depth[b] - depth[a]);
  for (const k of order) {
    const [a, b, c] = [0, 1, 2].map((corner) => TRIANGLES[k * 3 + corner] * 3);
    const [red, green, blue] = TRIANGLE_COLOURS.subarray(k * 3, k * 3 + 3);
    fillTriangle(
      raster, placed[a], placed[a + 1], placed[b], placed[b + 1], placed[c], placed[c + 1],
      colourOf(red, green, blue),
    );
  }
}

/** A grey opening, and a black iris where the eyelids leave it free. */
function paintEye(raster, landmarksPx, at, { ring, iris: [centre, ...rim] }) {
  const opening = new Raster(raster.width, raster.height, 0);
  fillPolygon(opening, ring.map(at), INSIDE);
  const fromCentre = rim.map((landmark) =>
    Math.hypot(
      landmarksPx[landmark * 3] - landmarksPx[centre * 3],
      landmarksPx[landmark * 3 + 1] - landmarksPx[centre * 3 + 1],
    ),
  );
  const radius = fromCentre.reduce((sum, each) => sum + each) / rim.length;
  opening.pixels.forEach((inside, pixel) => {
    if (!inside) return;
    const x = pixel % raster.width;
    const y = Math.floor(pixel / raster.width);
    raster.pixels[pixel] = inDisc(x, y, at(centre), radius) ? BLACK : SCLERA;
  });
}

function paintPath(raster, points, widthPx) {
  for (let k = 0; k + 1 < points.length; k++) smoothLine(raster, points[k], points[k + 1], widthPx);
}
