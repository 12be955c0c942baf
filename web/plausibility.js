// Whether 478 points can be a face at all: a network answers on anything
// (ganonymization/landmarks/plausibility.py).

import { Posed } from "./shape.js";
import { CANONICAL, LANDMARK_COUNT, TRIANGLES } from "./topology.js";

const MAX_RESIDUAL_EYES = 0.2; // RMS distance to the canonical face, pose removed
const MAX_FOLDED = 0.12; // share of triangles that lie the wrong way round
const MIN_SIDE_PX = 2;

const EXPECTED_AREAS = signedAreas(CANONICAL);
const SMALL_AREA = quarter(EXPECTED_AREAS.map(Math.abs));

/** Throws with the reason where landmarks in pixels cannot be a face's. */
export function checkPlausible(points) {
  const { frontal } = Posed.of(points);
  const box = boxOf(points);
  if (Math.min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE_PX) {
    throw new Error("landmarks have no extent");
  }
  let squares = 0;
  for (let k = 0; k < frontal.length; k++) squares += (frontal[k] - CANONICAL[k]) ** 2;
  const residual = Math.sqrt(squares / LANDMARK_COUNT);
  if (!(residual <= MAX_RESIDUAL_EYES)) {
    throw new Error(`landmarks are no face's (${residual.toFixed(2)} eye distances off)`);
  }
  const folded = foldedShare(frontal);
  if (folded > MAX_FOLDED) {
    throw new Error(`landmarks fold onto themselves (${Math.round(folded * 100)}% of the triangles)`);
  }
}

/** Left, top, right, bottom of landmarks. */
export function boxOf(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < points.length; at += 3) {
    box[0] = Math.min(box[0], points[at]);
    box[1] = Math.min(box[1], points[at + 1]);
    box[2] = Math.max(box[2], points[at]);
    box[3] = Math.max(box[3], points[at + 1]);
  }
  return box;
}

/** Share of the larger triangles whose orientation is not the canonical face's. */
function foldedShare(frontal) {
  let larger = 0;
  let folded = 0;
  signedAreas(frontal).forEach((area, k) => {
    if (Math.abs(EXPECTED_AREAS[k]) <= SMALL_AREA) return;
    larger++;
    if (area * Math.sign(EXPECTED_AREAS[k]) < 0) folded++;
  });
  return folded / larger;
}

function signedAreas(points) {
  const areas = new Float64Array(TRIANGLES.length / 3);
  for (let k = 0; k < areas.length; k++) {
    const [a, b, c] = [0, 1, 2].map((corner) => TRIANGLES[k * 3 + corner] * 3);
    areas[k] =
      (points[b] - points[a]) * (points[c + 1] - points[a + 1]) -
      (points[b + 1] - points[a + 1]) * (points[c] - points[a]);
  }
  return areas;
}

/** The value below which a quarter lies. */
function quarter(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor((sorted.length - 1) / 4)];
}
