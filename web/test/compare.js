// Runs each stage on the fixtures of tools/web_assets.py and tells how far it is from the package.
//
// The numbers stand in #report as JSON and in globalThis.report, and #state says "done" or what failed.

import { apply, generatorCrop, moved } from "../align.js";
import { fetched, readBundle } from "../bundle.js";
import { Canvas, matchTone, paste, SOLID_GREY } from "../composite.js";
import { mesh } from "../condition.js";
import { Generator } from "../generator.js";
import { canvasOf } from "../locate.js";
import { boxOf, checkPlausible } from "../plausibility.js";
import { faceSeed, style } from "../seeds.js";
import { ShapeModel } from "../shape.js";
import { ellipse, hide, Place, portraitCrossing, sceneCrossing, Wall } from "../wall.js";
import { failsClosed, wallHolds } from "./closed.js";

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** Mean and largest absolute difference of two lists of numbers. */
function apart(found, expected) {
  let sum = 0;
  let max = 0;
  for (let k = 0; k < expected.length; k++) {
    const gap = Math.abs(found[k] - expected[k]);
    sum += gap;
    max = Math.max(max, gap);
  }
  return { mean: sum / expected.length, max: found.length === expected.length ? max : Infinity };
}

/** Red, green and blue of a picture, as the package has them. */
function colours(image) {
  const out = new Uint8Array((image.data.length / 4) * 3);
  for (let at = 0, k = 0; at < image.data.length; at += 4, k += 3) {
    out.set(image.data.subarray(at, at + 3), k);
  }
  return out;
}

/** A package's picture, (H, W, 3). */
function pictureOf({ shape: [height, width], values }) {
  const image = new ImageData(width, height);
  for (let at = 0, k = 0; k < values.length; at += 4, k += 3) {
    image.data.set(values.subarray(k, k + 3), at);
    image.data[at + 3] = 255;
  }
  return image;
}

/** Peak signal-to-noise ratio of two lists of grey levels, in dB. */
function psnr(found, expected) {
  let squares = 0;
  for (let k = 0; k < expected.length; k++) squares += (found[k] - expected[k]) ** 2;
  return 10 * Math.log10(255 ** 2 / Math.max(squares / expected.length, 1e-9));
}

function xy(points) {
  return Array.from({ length: points.length / 3 }, (_, k) => [points[k * 3], points[k * 3 + 1]]);
}

async function compareFace(index, { file, seed: text, does }, picture, { shape, generator, run }) {
  const expected = await readBundle(new URL(file, FIXTURES));
  const seed = BigInt(text);
  const { sizePx } = generator;
  const told = { does, seed: seed === (await faceSeed(run.run_seed, run.name, index)) };

  const points = expected.landmarks_px.values;
  const cropFromImage = generatorCrop(points, sizePx, generator.sideEyes);
  told.crop = apart(cropFromImage, expected.crop_from_image.values);
  const originalPx = apply(cropFromImage, points);
  const numbers = style(await faceSeed(seed, "shape", 0), shape.nobodySize);
  const surrogatePx = shape.surrogate(originalPx, numbers, "balanced");
  checkPlausible(surrogatePx);
  told.surrogate_px = apart(surrogatePx, expected.surrogate_px.values);
  told.high_px = apart(shape.surrogate(originalPx, numbers, "high"), expected.high_px.values);
  told.style = apart(style(seed, generator.styleSize), expected.style.values);

  const outline = ellipse(boxOf(points)).map((point) => moved(cropFromImage, point));
  const wall = Wall.around([...xy(surrogatePx), ...xy(originalPx)], outline, sizePx);
  told.wall = apart([wall.x, wall.y, wall.halfWidth, wall.halfHeight], expected.wall.values);

  const condition = mesh(surrogatePx, sizePx);
  told.condition = apart(colours(condition), expected.condition.values);

  const place = new Place(wall, cropFromImage, sizePx);
  told.wall_holds = wallHolds(picture, place, surrogatePx);
  const canvas = new Canvas(picture);
  hide(canvas.image, place, SOLID_GREY);
  const crossing = sceneCrossing(canvas.image, place, surrogatePx, seed);
  told.context = apart(colours(crossing.context), expected.context.values);
  told.wall_mask = apart(crossing.wallMask, expected.wall_mask.values);

  const given = {
    context: pictureOf(expected.context),
    wallMask: expected.wall_mask.values,
  };
  const same = await generator.drawFrom(pictureOf(expected.condition), given, expected.style.values);
  told.generator_db = psnr(colours(same), expected.drawn.values);
  const drawn = await generator.draw(crossing);
  told.drawn_db = psnr(colours(drawn), expected.drawn.values);
  const head = await generator.draw(portraitCrossing(sizePx, surrogatePx, seed));
  told.head_db = psnr(colours(head), expected.head.values);

  const toned = matchTone(pictureOf(expected.drawn), { ...given, surrogatePx, seed }, place);
  told.toned = apart(colours(toned), expected.toned.values);
  paste(canvas, matchTone(drawn, crossing, place), place);
  told.scene = apart(colours(canvas.image), expected.scene.values);
  told.scene_db = psnr(colours(canvas.image), expected.scene.values);
  show([condition, pictureOf(expected.condition), drawn, pictureOf(expected.drawn), canvas.image]);
  return told;
}

function show(images) {
  const row = document.createElement("div");
  row.append(...images.map(canvasOf));
  document.getElementById("pictures").append(row);
}

function fillTable(faces) {
  const table = document.getElementById("table");
  const names = Object.keys(faces[0]);
  const line = (tag, cells) => {
    const row = table.insertRow();
    for (const text of cells) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      row.append(cell);
    }
  };
  const text = (value) => {
    if (typeof value === "number") return value.toFixed(1);
    return value?.max === undefined ? String(value) : `${value.mean.toExponential(1)} / ${value.max.toExponential(1)}`;
  };
  line("th", names);
  for (const face of faces) line("td", names.map((name) => text(face[name])));
}

/** The worst of all faces, stage by stage: what a test asks for. */
function worstOf(faces) {
  const worst = {
    seeds_agree: faces.every((face) => face.seed),
    wall_holds: faces.every((face) => face.wall_holds),
  };
  for (const [name, value] of Object.entries(faces[0])) {
    if (typeof value === "number") worst[name] = Math.min(...faces.map((face) => face[name]));
    if (value?.max === undefined) continue;
    worst[name] = {
      mean: Math.max(...faces.map((face) => face[name].mean)),
      max: Math.max(...faces.map((face) => face[name].max)),
    };
  }
  return worst;
}

async function compare() {
  const run = await fetched(new URL("fixtures.json", FIXTURES), "json");
  const { picture } = await readBundle(new URL("picture", FIXTURES));
  const tools = { run, shape: await ShapeModel.load(), generator: await Generator.load() };
  const faces = [];
  for (const [index, face] of run.faces.entries()) {
    faces.push(await compareFace(index, face, pictureOf(picture), tools));
  }
  fillTable(faces);
  const { landmarks_px: points } = await readBundle(new URL(run.faces[0].file, FIXTURES));
  const closed = await failsClosed(pictureOf(picture), points.values, tools);
  return { worst: worstOf(faces), closed, faces };
}

const state = document.getElementById("state");
try {
  globalThis.report = await compare();
  document.getElementById("report").textContent = JSON.stringify(globalThis.report, null, 1);
  state.textContent = "done";
} catch (error) {
  state.textContent = `failed: ${error.message}`;
  throw error;
}
