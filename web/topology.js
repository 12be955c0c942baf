// Which landmark is what: the lists of ganonymization/geometry/topology.py, as tools/web_assets.py
// wrote them.

import { fetched } from "./bundle.js";
import { ASSETS } from "./paths.js";

export const LANDMARK_COUNT = 478;
export const SURFACE_COUNT = 468;

const told = await fetched(new URL("topology.json", ASSETS), "json");

/** Corners of the 852 triangles, three by three. */
export const TRIANGLES = Uint16Array.from(told.triangles.flat());
/** Red, green, blue of each triangle, three by three. */
export const TRIANGLE_COLOURS = Uint8Array.from(told.triangle_colours.flat());
/** A mean frontal face in outer-eye distances, x, y, z by landmark. */
export const CANONICAL = Float64Array.from(told.canonical.flat());
/** Landmarks that an expression moves least; the pose is fitted to them. */
export const RIGID = told.rigid;
export const LIPS_OUTER = told.lips_outer;
export const LIPS_INNER = told.lips_inner;
/** The person's right eye first, as everywhere. Rings, and an iris' centre before its rim. */
export const EYES = [
  { ring: told.eye_right, iris: told.iris_right },
  { ring: told.eye_left, iris: told.iris_left },
];
export const BROWS = told.brows;
/** Corners, edges and shares of what opens: eye_right, eye_left, mouth. */
export const OPENINGS = told.openings;

/** Some landmarks of a face, x, y, z by landmark. */
export function picked(points, indices) {
  const few = new Float64Array(indices.length * 3);
  indices.forEach((landmark, k) => few.set(points.subarray(landmark * 3, landmark * 3 + 3), k * 3));
  return few;
}

export const CANONICAL_RIGID = picked(CANONICAL, RIGID);
