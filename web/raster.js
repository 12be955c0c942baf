// Paints polygons, lines and discs into a picture, near enough to what OpenCV paints: the generator
// was trained on pictures drawn by it.
//
// Points are [x, y] in pixels; a pixel is a point at its centre. Colours are one number each, as they
// stand in memory: see colourOf.

/** A picture that is painted. */
export class Raster {
  constructor(widthPx, heightPx, colour = colourOf(0, 0, 0)) {
    this.width = widthPx;
    this.height = heightPx;
    this.pixels = new Uint32Array(widthPx * heightPx).fill(colour);
  }

  /** What was painted. */
  image() {
    return new ImageData(new Uint8ClampedArray(this.pixels.buffer), this.width, this.height);
  }

  set(x, y, colour) {
    if (x >= 0 && x < this.width && y >= 0 && y < this.height) {
      this.pixels[y * this.width + x] = colour;
    }
  }

  /** A row from one column to another, both included. */
  fillRow(y, from, to, colour) {
    if (y < 0 || y >= this.height) return;
    const first = Math.max(from, 0);
    const last = Math.min(to, this.width - 1);
    if (first <= last) this.pixels.fill(colour, y * this.width + first, y * this.width + last + 1);
  }
}

/** Red, green, blue 0 to 255 as a little-endian number, opaque. */
export function colourOf(r, g, b) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

const near = (value) => Math.floor(value + 0.5);

/** A filled triangle with its outline, corners x0, y0, x1, y1, x2, y2. */
export function fillTriangle(raster, x0, y0, x1, y1, x2, y2, colour) {
  const top = near(Math.min(y0, y1, y2));
  const bottom = near(Math.max(y0, y1, y2));
  for (let y = Math.max(top, 0); y <= Math.min(bottom, raster.height - 1); y++) {
    let left = Infinity;
    let right = -Infinity;
    const meet = (ax, ay, bx, by) => {
      const from = near(ay);
      const to = near(by);
      if (y < Math.min(from, to) || y > Math.max(from, to)) return;
      if (from === to) {
        left = Math.min(left, ax, bx);
        right = Math.max(right, ax, bx);
        return;
      }
      const x = ax + ((bx - ax) * (y - from)) / (to - from);
      left = Math.min(left, x);
      right = Math.max(right, x);
    };
    meet(x0, y0, x1, y1);
    meet(x1, y1, x2, y2);
    meet(x2, y2, x0, y0);
    raster.fillRow(y, near(left), near(right), colour);
  }
  thinLine(raster, x0, y0, x1, y1, colour);
  thinLine(raster, x1, y1, x2, y2, colour);
  thinLine(raster, x2, y2, x0, y0, colour);
}

/** A line one pixel wide, without steps of two. */
function thinLine(raster, x0, y0, x1, y1, colour) {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const length = Math.max(Math.abs(dx), Math.abs(dy));
  for (let k = 0; k <= length; k++) {
    raster.set(near(x0 + (dx * k) / (length || 1)), near(y0 + (dy * k) / (length || 1)), colour);
  }
  raster.set(near(x1), near(y1), colour);
}

/** A filled polygon of any shape with its outline; where it crosses itself it has holes. */
export function fillPolygon(raster, points, colour) {
  const ys = points.map(([, y]) => y);
  const from = Math.max(Math.ceil(Math.min(...ys)), 0);
  const to = Math.min(Math.floor(Math.max(...ys)), raster.height - 1);
  for (let y = from; y <= to; y++) {
    const crossings = [];
    points.forEach(([ax, ay], k) => {
      const [bx, by] = points[(k + 1) % points.length];
      if (ay <= y !== by <= y) crossings.push(ax + ((bx - ax) * (y - ay)) / (by - ay));
    });
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      raster.fillRow(y, Math.ceil(crossings[k]), Math.floor(crossings[k + 1]), colour);
    }
  }
  points.forEach(([ax, ay], k) => {
    const [bx, by] = points[(k + 1) % points.length];
    thinLine(raster, ax, ay, bx, by, colour);
  });
}

/** Whether a pixel belongs to a filled disc; OpenCV's reaches a little beyond the radius. */
export function inDisc(x, y, [cx, cy], radius) {
  return Math.hypot(x - cx, y - cy) <= radius + DISC_EXCESS_PX;
}

const DISC_EXCESS_PX = 0.4;
const SPREAD_PX2 = 0.301; // variance of a smooth line's profile
const REACH_PX = 1.6; // beyond it the profile is nothing

/** A smooth light line, whose profile is a bell: full in its middle, half after 0.65 pixels. */
export function smoothLine(raster, [ax, ay], [bx, by], widthPx) {
  const length = Math.hypot(bx - ax, by - ay);
  const [ux, uy] = length > 0 ? [(bx - ax) / length, (by - ay) / length] : [1, 0];
  const reach = REACH_PX + (widthPx - 1) / 2;
  const box = {
    x0: Math.max(Math.floor(Math.min(ax, bx) - reach), 0),
    x1: Math.min(Math.ceil(Math.max(ax, bx) + reach), raster.width - 1),
    y0: Math.max(Math.floor(Math.min(ay, by) - reach), 0),
    y1: Math.min(Math.ceil(Math.max(ay, by) + reach), raster.height - 1),
  };
  for (let y = box.y0; y <= box.y1; y++) {
    for (let x = box.x0; x <= box.x1; x++) {
      const along = (x - ax) * ux + (y - ay) * uy;
      const off = Math.abs((y - ay) * ux - (x - ax) * uy) - (widthPx - 1) / 2;
      const beyond = Math.max(-along, along - length);
      if (off > REACH_PX || beyond > 0.5) continue;
      const end = Math.min(1, 0.5 - beyond);
      const share = off <= 0 ? end : end * Math.exp((-off * off) / (2 * SPREAD_PX2));
      lighten(raster, y * raster.width + x, share);
    }
  }
}

/** Mix white into a pixel. */
function lighten(raster, at, share) {
  const colour = raster.pixels[at];
  const mixed = (value) => near(value + (255 - value) * share);
  raster.pixels[at] = colourOf(mixed(colour & 255), mixed((colour >> 8) & 255), mixed((colour >> 16) & 255));
}
