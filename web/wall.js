// The wall between the original face and the generator, and all that crosses it
// (ganonymization/geometry/wall.py).
//
//     wall       radius <= 1                 never read once the landmarks are known
//     ring       1 < radius < RING           original pixels may be read and blended
//     untouched  radius >= RING              the picture stays as it is
//
// A window of the picture is {x0, y0, x1, y1}; x1 and y1 are not in it.

import { compose, cropCorners, inverse, moved, shiftTo, similarity, warp } from "./align.js";
import { blank, cut } from "./resample.js";

export const RING = 1.07; // outer edge of the composite mask, in radii of the wall

const MARGINS = [0.03, 0.08, 0.03, 0.03]; // left, top, right, bottom, as shares of the outline's sides
const OUTLINE_RADIUS = 0.98; // nothing that the wall must hold may come nearer to its edge
const CROP_EDGE = 0.075; // a box may push the wall this near to the crop's edge: the ring still fits
const BOX_HELD = 0.9; // of the height above a box's middle: what is higher is hair
const HEAD_MARGIN = 1.5; // of a box, for a fill
const TAPER = 0.12; // how much narrower the wall is at the chin than at its middle
const WIDEST = 1.0212; // how much wider the ring would be where it is widest
const HEAD_SIZE_PX = 256;

/** A superellipse of exponent 2.5 that narrows downwards, upright in the crop frame: x, y, half width, half height in crop pixels. */
export class Wall {
  constructor(x, y, halfWidth, halfHeight) {
    Object.assign(this, { x, y, halfWidth, halfHeight });
  }

  /** The wall that holds landmarks and points around boxes, [x, y] in crop pixels, cut to what fits. */
  static around(facePoints, outlinePoints, sizePx) {
    const low = sizePx * CROP_EDGE;
    const high = sizePx * (1 - CROP_EDGE) - 1;
    const inCrop = (value) => Math.min(Math.max(value, low), high);
    const outline = outlinePoints.map(([x, y]) => [inCrop(x), inCrop(y)]);
    const [left, top, right, bottom] = extent(facePoints);
    const [width, height] = [right - left, bottom - top];
    const grown = [
      [left - MARGINS[0] * width, top - MARGINS[1] * height],
      [right + MARGINS[2] * width, bottom + MARGINS[3] * height],
    ];
    const [x0, y0, x1, y1] = extent([...grown, ...outline]);
    const wall = new Wall((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2);
    const held = [...facePoints, ...outline].map(([x, y]) => wall.radius(x, y));
    const excess = Math.max(1, Math.max(...held) / OUTLINE_RADIUS);
    return new Wall(wall.x, wall.y, wall.halfWidth * excess, wall.halfHeight * excess).within(sizePx);
  }

  /** With half width and height cut so that the ring fits, as a wide open mouth may need. */
  within(sizePx) {
    const room = (centre) => Math.min(centre, sizePx - 1 - centre) / RING;
    const width = Math.max(Math.min(this.halfWidth, room(this.x)), 1e-3);
    const height = Math.max(Math.min(this.halfHeight, room(this.y)), 1e-3);
    return new Wall(this.x, this.y, width, height);
  }

  /** 1 on the wall's edge, 0 at its centre. */
  radius(x, y) {
    return radiusOf((x - this.x) / this.halfWidth, (y - this.y) / this.halfHeight);
  }

  /** Whether all [x, y] lie behind the wall. */
  holds(points) {
    return points.every(([x, y]) => this.radius(x, y) < 1);
  }

  /** Whether the ring lies within a crop of this side, so that all of it can be drawn. */
  fits(sizePx) {
    const across = [this.x - this.halfWidth * RING, this.x + this.halfWidth * RING];
    const down = [this.y - this.halfHeight * RING, this.y + this.halfHeight * RING];
    const values = [...across, ...down];
    return Math.min(...values) >= -1e-6 && Math.max(...values) <= sizePx - 1 + 1e-6;
  }

  /** The radius at each pixel of the crop. */
  radiusMap(sizePx) {
    const map = new Float32Array(sizePx * sizePx);
    for (let y = 0, at = 0; y < sizePx; y++) {
      for (let x = 0; x < sizePx; x++, at++) map[at] = this.radius(x, y);
    }
    return map;
  }
}

function radiusOf(u, v) {
  const across = Math.abs(u * WIDEST) / (1 - TAPER * Math.min(Math.max(v, -2), 2));
  return (across ** 2.5 + Math.abs(v) ** 2.5) ** 0.4;
}

function extent(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

/** Where a face's wall stands in the picture. */
export class Place {
  constructor(wall, cropFromImage, sizePx) {
    Object.assign(this, { wall, cropFromImage, sizePx });
  }

  /** The window of the picture that holds all points within so many radii. */
  window(image, radii) {
    const { x, y, halfWidth, halfHeight } = this.wall;
    const imageFromCrop = inverse(this.cropFromImage);
    const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([i, j]) =>
      moved(imageFromCrop, [x + i * halfWidth * radii, y + j * halfHeight * radii]),
    );
    const [left, top, right, bottom] = extent(corners);
    return {
      x0: clipped(Math.floor(left), image.width),
      y0: clipped(Math.floor(top), image.height),
      x1: clipped(Math.ceil(right) + 1, image.width),
      y1: clipped(Math.ceil(bottom) + 1, image.height),
    };
  }

  /** The wall's radius at each picture pixel of a window, row by row. */
  radius({ x0, y0, x1, y1 }) {
    const { x, y, halfWidth, halfHeight } = this.wall;
    const [a, b, c, d, e, f] = this.cropFromImage;
    const map = new Float32Array(Math.max(0, x1 - x0) * Math.max(0, y1 - y0));
    let at = 0;
    for (let row = y0; row < y1; row++) {
      for (let column = x0; column < x1; column++, at++) {
        const u = (a * column + b * row + c - x) / halfWidth;
        const v = (d * column + e * row + f - y) / halfHeight;
        map[at] = radiusOf(u, v);
      }
    }
    return map;
  }
}

function clipped(value, side) {
  return Math.min(Math.max(value, 0), side);
}

/** How much of the new face shows: 1 behind the wall, falling smoothly to 0 across the ring. */
export function opacity(radius) {
  const t = Math.min(Math.max((RING - radius) / (RING - 1), 0), 1);
  return t * t * (3 - 2 * t);
}

/** Make one colour of all pixels behind a wall. */
export function hide(image, place, grey) {
  const window = place.window(image, 1);
  const radius = place.radius(window);
  forEachPixel(image, window, (at, k) => {
    if (radius[k] <= 1) image.data.fill(grey, at, at + 3);
  });
}

/** Call with the place of each pixel of a window in the picture's data, and its number in the window. */
export function forEachPixel(image, { x0, y0, x1, y1 }, call) {
  let k = 0;
  for (let y = y0; y < y1; y++) {
    for (let at = (y * image.width + x0) * 4, x = x0; x < x1; x++, at += 4, k++) call(at, k);
  }
}

/**
 * All that the generator learns of a face in a scene: its surroundings, what is hidden, its new shape and seed.
 *
 * What lies behind the wall is blanked at the picture's own resolution, before anything is resampled, and
 * every crop pixel that a blank one touches is hidden too.
 */
export function sceneCrossing(image, place, surrogatePx, seed) {
  const window = aroundCrop(image, place);
  const part = cut(image, window);
  const radius = place.radius(window);
  forEachPixel(part, { x0: 0, y0: 0, x1: part.width, y1: part.height }, (at, k) => {
    if (radius[k] <= 1) part.data.fill(0, at, at + 4); // the fourth channel carries what is visible
  });
  const context = warp(part, compose(place.cropFromImage, shiftTo(window)), place.sizePx);
  const wallMask = new Uint8Array(place.sizePx * place.sizePx);
  for (let k = 0, at = 0; k < wallMask.length; k++, at += 4) {
    if (context.data[at + 3] === 255) continue;
    wallMask[k] = 1;
    context.data.fill(0, at, at + 3);
    context.data[at + 3] = 255;
  }
  return { surrogatePx, context, wallMask, seed };
}

/** Nothing but the geometry and a seed. */
export function portraitCrossing(sizePx, surrogatePx, seed) {
  const wallMask = new Uint8Array(sizePx * sizePx).fill(1);
  return { surrogatePx, context: blank(sizePx, sizePx), wallMask, seed };
}

/** The picture's window that the crop shows and four pixels more, for the resampling reads neighbours. */
function aroundCrop(image, place) {
  const [left, top, right, bottom] = extent(cropCorners(place.cropFromImage, place.sizePx));
  const x0 = clipped(Math.floor(left) - 4, image.width - 1);
  const y0 = clipped(Math.floor(top) - 4, image.height - 1);
  return {
    x0,
    y0,
    x1: Math.min(Math.max(Math.ceil(right) + 5, x0 + 1), image.width),
    y1: Math.min(Math.max(Math.ceil(bottom) + 5, y0 + 1), image.height),
  };
}

/** Points around the ellipse within a box, flattened above, [x, y] in picture pixels. */
export function ellipse([left, top, right, bottom]) {
  return Array.from({ length: 24 }, (_, k) => {
    const angle = (2 * Math.PI * k) / 24;
    const x = (left + right) / 2 + (Math.cos(angle) * (right - left)) / 2;
    const down = Math.sin(angle) * (Math.sin(angle) < 0 ? BOX_HELD : 1);
    return [x, (top + bottom) / 2 + (down * (bottom - top)) / 2];
  });
}

/** Where a whole head is, told from a box of its face alone, whichever way it is turned. */
export function headPlace([left, top, right, bottom]) {
  const sidePx = Math.max(right - left, bottom - top, 1e-3);
  const middle = (HEAD_SIZE_PX - 1) / 2;
  const half = (HEAD_SIZE_PX / 4) * HEAD_MARGIN; // the crop is two sides of the box wide
  const centre = [(left + right) / 2, (top + bottom) / 2];
  const cropFromImage = similarity(centre, 2 * sidePx, 0, HEAD_SIZE_PX);
  return new Place(new Wall(middle, middle, half, half), cropFromImage, HEAD_SIZE_PX);
}
