// The generator on ONNX Runtime Web: WebAssembly, with threads where the page is cross-origin isolated.

import { fetched } from "./bundle.js";
import { mesh } from "./condition.js";
import { ASSETS, VENDOR } from "./paths.js";
import { style } from "./seeds.js";

const FORMAT = "ganonymization-mesh-1";
const MAX_THREADS = 4; // more do not pay for a network of this size

/** Draws faces. Reads the file's sizes from the JSON beside it, for ONNX Runtime Web does not tell them. */
export class Generator {
  static async load() {
    const about = await fetched(new URL("generator.json", ASSETS), "json");
    if (about.format !== FORMAT) throw new Error(`the generator's format is "${about.format}", not "${FORMAT}"`);
    const file = await fetched(new URL(about.file, ASSETS), "bytes");
    await checkHash(file, about.sha256);
    const ort = await import(new URL("onnxruntime/ort.wasm.min.mjs", VENDOR));
    ort.env.wasm.wasmPaths = new URL("onnxruntime/", VENDOR).href;
    ort.env.wasm.numThreads = threads();
    const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
    return new Generator(ort, session, about);
  }

  constructor(ort, session, { size_px: sizePx, style_size: styleSize, side_eyes: sideEyes }) {
    Object.assign(this, { ort, session, sizePx, styleSize, sideEyes });
  }

  /** A new face for what crosses the wall, a square ImageData. */
  async draw(crossing) {
    const condition = mesh(crossing.surrogatePx, this.sizePx);
    return this.drawFrom(condition, crossing, style(crossing.seed, this.styleSize));
  }

  /** The same from a condition that is drawn already. */
  async drawFrom(condition, { context, wallMask }, numbers) {
    const planes = inputPlanes(condition, context, wallMask);
    const size = this.sizePx;
    const feeds = {
      input: new this.ort.Tensor("float32", planes, [1, 7, size, size]),
      style: new this.ort.Tensor("float32", numbers, [1, this.styleSize]),
    };
    const { picture } = await this.session.run(feeds);
    const drawn = pixels(picture.data, size);
    picture.dispose();
    return drawn;
  }
}

function threads() {
  return globalThis.crossOriginIsolated ? Math.min(MAX_THREADS, navigator.hardwareConcurrency || 1) : 1;
}

/** Throws when a file is not the one that the page was built with, such as half of it. */
async function checkHash(file, expected) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  const told = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (told !== expected) throw new Error("the generator's file is not whole; load the page anew");
}

/** Condition and context in [-1, 1], the context 0 behind the wall, and the wall mask: seven planes. */
function inputPlanes(condition, context, wallMask) {
  const area = wallMask.length;
  const planes = new Float32Array(7 * area);
  for (let k = 0, at = 0; k < area; k++, at += 4) {
    for (let c = 0; c < 3; c++) {
      planes[c * area + k] = condition.data[at + c] / 127.5 - 1;
      planes[(3 + c) * area + k] = wallMask[k] ? 0 : context.data[at + c] / 127.5 - 1;
    }
    planes[6 * area + k] = wallMask[k];
  }
  return planes;
}

/** Planes in [-1, 1] as a picture; throws where a number is none. */
function pixels(planes, size) {
  const area = size * size;
  const image = new ImageData(size, size);
  let sum = 0;
  for (let k = 0, at = 0; k < area; k++, at += 4) {
    for (let c = 0; c < 3; c++) {
      const value = planes[c * area + k];
      sum += value;
      image.data[at + c] = (value + 1) * 127.5;
    }
    image.data[at + 3] = 255;
  }
  if (!Number.isFinite(sum)) throw new Error("the generator's output is not finite");
  return image;
}
