// The way of one picture through the stages; this module alone knows their order.
//
//     faces and landmarks -> surrogate -> wall -> draw -> check -> composite
//
// Every face is covered before any is drawn, so whatever goes wrong later leaves a cover, not a face.

import { apply, generatorCrop, moved, similarity, warp } from "./align.js";
import { blendCrop, Canvas, cover, coveredShare, matchTone, paste, SOLID_GREY } from "./composite.js";
import { FaceFinder } from "./facemesh.js";
import { Generator } from "./generator.js";
import { canvasOf, locateFaces } from "./locate.js";
import { checkPlausible } from "./plausibility.js";
import { blank } from "./resample.js";
import { faceSeed, style } from "./seeds.js";
import { ShapeModel } from "./shape.js";
import { CANONICAL } from "./topology.js";
import { ellipse, headPlace, hide, Place, portraitCrossing, RING, sceneCrossing, Wall } from "./wall.js";

export const PORTRAIT_SIZE_PX = 512;

const MAX_FACES = 16; // in one look; more would slow every look
const MAX_REDRAWN_ERROR_EYES = 0.12;
const TRIED_SEED = 1n;
const MIN_COVERED = 0.95; // of the ellipse within each box

/** Replaces every face in pictures by a face of nobody. */
export class Anonymizer {
  /** Loads every model once. */
  static async load() {
    const [generator, shape] = await Promise.all([Generator.load(), ShapeModel.load()]);
    const finder = await FaceFinder.load(MAX_FACES);
    const checker = await FaceFinder.load(1);
    const anonymizer = new Anonymizer({ generator, shape, finder, checker });
    await anonymizer.tryOut();
    return anonymizer;
  }

  constructor({ generator, shape, finder, checker }) {
    Object.assign(this, { generator, shape, finder, checker });
  }

  /**
   * Draw one head and look for it by both finders: a browser in which that fails must not be trusted with
   * pictures. It also makes every network ready, which the first picture would else wait for.
   */
  async tryOut() {
    const { sizePx, sideEyes } = this.generator;
    const middle = [(sizePx - 1) / 2, (sizePx - 1) / 2, 0];
    const placed = CANONICAL.map((value, k) => (value * sizePx) / sideEyes + middle[k % 3]);
    const drawn = await this.generator.draw(portraitCrossing(sizePx, placed, TRIED_SEED));
    await this.checkRedrawn(drawn, placed, true);
    const found = await this.finder.find(canvasOf(drawn), { still: true });
    if (found.length !== 1) throw new Error("FaceMesh does not find a face that is there");
  }

  /** All faces of a still picture, an opaque ImageData: see locateFaces. */
  locate(image, options) {
    return locateFaces(image, this.finder, options);
  }

  /**
   * Anonymize one picture with the faces that were located in it; the picture is not changed.
   *
   * Gives {image, portraits, faces, seed}: image is null in portrait mode, portraits are heads on black, and
   * faces tell what became of each, largest first. Throws where there is none, for such a picture is as it was.
   */
  async picture(image, located, { seed, mode, privacy }) {
    if (!located.length) throw new Error("no face was found");
    const seeded = await Promise.all(
      located.map(async (face, index) => ({ ...face, seed: await faceSeed(seed, "", index) })),
    );
    return { ...(await this.redraw(image, seeded, { mode, privacy, still: true })), seed };
  }

  /**
   * Anonymize faces that were looked for already: {boxes, landmarksPx, problem, seed}.
   *
   * still: the check of a new face forgets the one before; a video's need not, whose crops are aligned.
   */
  async redraw(image, located, { mode, privacy, still }) {
    const faces = await Promise.all(located.map((face) => this.walled(face, privacy)));
    if (mode === "portrait") {
      const portraits = [];
      for (const face of faces) portraits.push(await this.portrait(face, still));
      return { image: null, portraits, faces: faces.map(outcome) };
    }
    const canvas = await this.scene(image, faces, still);
    return { image: canvas.image, portraits: [], faces: faces.map(outcome) };
  }

  /** A face with its new shape and its wall, or the reason why not. */
  async walled(face, privacy) {
    const work = { ...face, surrogatePx: null, place: null, reason: face.problem };
    if (!face.landmarksPx) return work;
    try {
      const { sizePx, sideEyes } = this.generator;
      const cropFromImage = generatorCrop(face.landmarksPx, sizePx, sideEyes);
      const originalPx = apply(cropFromImage, face.landmarksPx);
      const numbers = style(await faceSeed(face.seed, "shape", 0), this.shape.nobodySize);
      work.surrogatePx = this.shape.surrogate(originalPx, numbers, privacy);
      checkPlausible(work.surrogatePx);
      // The wall hides the old face and holds the new one, whose outlines differ.
      const both = [...flat(work.surrogatePx), ...flat(originalPx)];
      const outline = face.boxes.flatMap(ellipse).map((point) => moved(cropFromImage, point));
      const wall = Wall.around(both, outline, sizePx);
      if (!wall.fits(sizePx) || !wall.holds(both)) throw new Error("the face does not fit its crop");
      work.place = new Place(wall, cropFromImage, sizePx);
    } catch (error) {
      work.reason = error.message;
    }
    return work;
  }

  /** Redraw or cover every face in a copy of the picture. */
  async scene(image, faces, still) {
    const canvas = new Canvas(image);
    for (const face of faces) { // cover all before drawing any
      if (face.place) hide(canvas.image, face.place, SOLID_GREY);
      else coverFace(canvas, face);
    }
    for (const face of faces) {
      if (!face.place) continue;
      try {
        await this.redrawFace(canvas, face, still);
      } catch (error) {
        face.reason = error.message;
        coverFace(canvas, face);
      }
    }
    for (const face of faces) {
      if (face.boxes.every((box) => coveredShare(box, canvas) >= MIN_COVERED)) continue;
      face.reason = "the new face leaves part of a box uncovered";
      coverFace(canvas, face);
    }
    return canvas;
  }

  /** Draw one new face into the scene; throws where it is not what was asked for. */
  async redrawFace(canvas, { place, surrogatePx, seed }, still) {
    const crossing = sceneCrossing(canvas.image, place, surrogatePx, seed);
    const drawn = matchTone(await this.generator.draw(crossing), crossing, place);
    await this.checkRedrawn(blendCrop(drawn, crossing, place), surrogatePx, still);
    paste(canvas, drawn, place);
  }

  /** A head on black, or a solid square. */
  async portrait(face, still) {
    try {
      if (!face.place) throw new Error(face.reason);
      const { sizePx } = this.generator;
      const drawn = await this.generator.draw(portraitCrossing(sizePx, face.surrogatePx, face.seed));
      await this.checkRedrawn(drawn, face.surrogatePx, still);
      const middle = (sizePx - 1) / 2;
      return warp(drawn, similarity([middle, middle], sizePx, 0, PORTRAIT_SIZE_PX), PORTRAIT_SIZE_PX);
    } catch (error) {
      face.reason = error.message;
      return blank(PORTRAIT_SIZE_PX, PORTRAIT_SIZE_PX, SOLID_GREY);
    }
  }

  /** Find the landmarks in the new face again: they must lie where they were asked for. */
  async checkRedrawn(drawn, surrogatePx, still) {
    const [found] = await this.checker.find(canvasOf(drawn), { still });
    if (!found) throw new Error("no face is seen in what was drawn");
    const { sizePx, sideEyes } = this.generator;
    const off = meanDistance(found, surrogatePx) / (sizePx / sideEyes);
    if (!(off <= MAX_REDRAWN_ERROR_EYES)) {
      throw new Error(`the new face is ${off.toFixed(2)} eye distances off`);
    }
  }
}

/** Fill the head's region around every box of a face, and its wall with the ring. */
function coverFace(canvas, { boxes, place }) {
  for (const box of boxes) cover(canvas, headPlace(box), 1);
  if (place) cover(canvas, place, RING);
}

/** What became of a face. */
function outcome({ boxes, reason }) {
  return { box: boxes[0], redrawn: reason === null, reason };
}

/** Landmarks as [x, y]. */
function flat(points) {
  return Array.from({ length: points.length / 3 }, (_, k) => [points[k * 3], points[k * 3 + 1]]);
}

function meanDistance(a, b) {
  let sum = 0;
  for (let at = 0; at < a.length; at += 3) sum += Math.hypot(a[at] - b[at], a[at + 1] - b[at + 1]);
  return sum / (a.length / 3);
}
