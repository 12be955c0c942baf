// FaceMesh with refined eyes, from the npm package @mediapipe/face_mesh, which carries its models.
//
// Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019. The
// package finds faces by BlazeFace's short-range network alone, so small faces are missed.

import { VENDOR } from "./paths.js";
import { LANDMARK_COUNT } from "./topology.js";

const FOLDER = new URL("face_mesh/", VENDOR);
const MOST_BLACKS = 3; // frames without a face until a network that still sees one is built anew

let script = null;

/** The package is a classic script that leaves a class behind. */
function loadScript() {
  script ??= new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = new URL("face_mesh.js", FOLDER).href;
    element.onload = () => resolve(globalThis.FaceMesh);
    element.onerror = () => reject(new Error(`${element.src} cannot be loaded`));
    document.head.append(element);
  });
  return script;
}

/** Finds faces and their landmarks. Calls queue up: a graph takes one picture at a time. */
export class FaceFinder {
  /** maxFaces bounds how many are found at once. */
  static async load(maxFaces) {
    const FaceMesh = await loadScript();
    const network = new FaceMesh({ locateFile: (file) => new URL(file, FOLDER).href });
    network.setOptions({ maxNumFaces: maxFaces, refineLandmarks: true });
    await network.initialize();
    return new FaceFinder(network);
  }

  constructor(network) {
    this.network = network;
    this.queue = Promise.resolve();
    this.found = [];
    network.onResults((results) => {
      this.found = results.multiFaceLandmarks ?? [];
    });
  }

  /**
   * Landmarks of each face in a canvas, x, y, z in its pixels, smaller z is nearer.
   *
   * A still picture forgets what was seen before; a frame of a video does not, which is faster and steadier.
   */
  find(canvas, { still }) {
    const answer = this.queue.then(() => this.ask(canvas, still));
    this.queue = answer.catch(() => undefined);
    return answer;
  }

  async ask(canvas, still) {
    if (still) await this.forget();
    await this.send(canvas);
    return this.found.map((face) => inPixels(face, canvas));
  }

  /** Show it black frames until it looks for no face where one was. Building it anew takes seconds. */
  async forget() {
    for (let k = 0; this.found.length && k < MOST_BLACKS; k++) await this.send(BLACK);
    if (this.found.length) this.network.reset();
  }

  async send(canvas) {
    this.found = [];
    await this.network.send({ image: canvas });
  }
}

const BLACK = blackCanvas(64);

function blackCanvas(sidePx) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = sidePx;
  canvas.getContext("2d").fillRect(0, 0, sidePx, sidePx);
  return canvas;
}

/** Shares of the picture's sides, from its edges, to pixels, from the first one's centre. */
function inPixels(face, { width, height }) {
  if (face.length !== LANDMARK_COUNT) throw new Error("FaceMesh gave another number of landmarks");
  const points = new Float64Array(face.length * 3);
  face.forEach(({ x, y, z }, k) => {
    points.set([x * width - 0.5, y * height - 0.5, z * width], k * 3);
  });
  return points;
}
