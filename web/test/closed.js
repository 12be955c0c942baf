// Whether a face stays hidden when a stage fails, and whether the wall holds: with fakes of the stages.

import { SOLID_GREY } from "../composite.js";
import { Anonymizer } from "../pipeline.js";
import { boxOf } from "../plausibility.js";
import { sceneCrossing } from "../wall.js";

const OPTIONS = { mode: "scene", privacy: "balanced", still: true };

/** A copy of a picture with noise where a test of a pixel, (x, y), says so. */
function withNoise(image, inside) {
  const out = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
  for (let at = 0; at < out.data.length; at += 4) {
    const x = (at / 4) % image.width;
    if (!inside(x, Math.floor(at / 4 / image.width))) continue;
    for (let c = 0; c < 3; c++) out.data[at + c] = Math.floor(Math.random() * 256);
  }
  return out;
}

const same = (a, b) => a.every((value, k) => value === b[k]);

/** Whether noise behind a wall changes nothing of what crosses it. */
export function wallHolds(image, place, surrogatePx) {
  const radius = place.radius({ x0: 0, y0: 0, x1: image.width, y1: image.height });
  const noisy = withNoise(image, (x, y) => radius[y * image.width + x] <= 1);
  const [first, second] = [image, noisy].map((each) => sceneCrossing(each, place, surrogatePx, 1n));
  return same(first.context.data, second.context.data) && same(first.wallMask, second.wallMask);
}

/** Whether the face's box holds nothing but the fill. */
function isCovered(image, [left, top, right, bottom]) {
  for (let y = Math.ceil(top); y <= bottom; y++) {
    for (let x = Math.ceil(left); x <= right; x++) {
      const u = (2 * x - left - right) / (right - left);
      const v = (2 * y - top - bottom) / (bottom - top);
      if (u * u + v * v <= 1 && image.data[(y * image.width + x) * 4] !== SOLID_GREY) return false;
    }
  }
  return true;
}

/** For each way to fail, whether the face was covered and told of. */
export async function failsClosed(image, landmarksPx, { shape, generator }) {
  const { sizePx, sideEyes, styleSize } = generator;
  const noise = () => withNoise(new ImageData(sizePx, sizePx), () => true);
  const failing = { sizePx, sideEyes, styleSize, draw: async () => { throw new Error("out of memory"); } };
  const drawing = { ...failing, draw: async () => noise() };
  const seeing = { find: async () => [landmarksPx] };
  const blind = { find: async () => [] };
  const face = { boxes: [boxOf(landmarksPx)], landmarksPx, problem: null, seed: 1n };
  const attempt = async (stages, located) => {
    const result = await new Anonymizer({ shape, finder: blind, ...stages }).redraw(image, [located], OPTIONS);
    return isCovered(result.image, face.boxes[0]) && !result.faces[0].redrawn && Boolean(result.faces[0].reason);
  };
  const elsewhere = { find: async () => [landmarksPx.map((value) => value + 60)] };
  return {
    generator: await attempt({ generator: failing, checker: seeing }, face),
    unseen: await attempt({ generator: drawing, checker: blind }, face),
    elsewhere: await attempt({ generator: drawing, checker: elsewhere }, face),
    landmarks: await attempt({ generator: drawing, checker: seeing }, { ...face, landmarksPx: null, problem: "none" }),
    folded: await attempt({ generator: drawing, checker: seeing }, { ...face, landmarksPx: landmarksPx.toReversed() }),
  };
}
