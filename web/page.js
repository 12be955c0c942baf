// What stands on the page and what its buttons do. No original picture is ever shown.

import { LiveView } from "./camera.js";
import { canvasOf } from "./locate.js";
import { download, readPicture } from "./pictures.js";
import { freshSeed } from "./seeds.js";

const NONE_FOUND =
  "No face was found, so nothing is shown: small, turned or half hidden faces are missed by this page. " +
  "The picture may still hold some.";

const element = Object.fromEntries(
  ["settings", "seed", "another", "drop", "file", "camera", "status", "progress", "warning", "result", "pictures",
    "download", "rate", "faces"].map((id) => [id, document.getElementById(id)]),
);

let anonymizer = null;
let picture = null; // the chosen one, {image, closely, located}, kept to be drawn again
let live = null;
let shownSeed = null;
let latest = 0; // number of the newest request; older ones must not show anything

function say(text) {
  element.status.textContent = text;
  element.progress.hidden = true;
}

function warn(text) {
  element.warning.textContent = text;
  element.warning.hidden = !text;
}

/** Mode, privacy, how closely to look, and the seed, a fresh one where none is written. */
function settings() {
  const form = new FormData(element.settings);
  const written = element.seed.value.trim();
  const seed = written === "" ? freshSeed() : Number(written);
  return { mode: form.get("mode"), privacy: form.get("privacy"), closely: form.has("closely"), seed };
}

/** Whether the seed is a number that stays exact; says so otherwise. */
function seedIsValid() {
  const ok = element.seed.checkValidity() && Number.isSafeInteger(Number(element.seed.value));
  element.seed.setAttribute("aria-invalid", String(!ok));
  if (!ok) warn(`A seed is a whole number up to ${Number.MAX_SAFE_INTEGER}.`);
  return ok;
}

function clearResult() {
  element.result.hidden = true;
  element.pictures.replaceChildren();
  element.faces.replaceChildren();
  element.rate.textContent = "";
}

/** Draw the chosen picture anew and show what became of it. */
async function drawPicture() {
  if (!picture || !anonymizer) return;
  clearResult();
  warn("");
  if (!seedIsValid()) return;
  const request = ++latest;
  try {
    await locateAndShow(request, settings());
  } catch (error) {
    if (request !== latest) return;
    say("");
    warn(`Nothing is shown, for something went wrong: ${error.message}`);
  }
}

async function locateAndShow(request, options) {
  const start = performance.now();
  const located = await locatedFaces(request, options.closely);
  if (request !== latest) return;
  if (!located.length) {
    say("");
    warn(NONE_FOUND);
    return;
  }
  say(`Drawing ${counted(located.length)} anew …`);
  const result = await anonymizer.picture(picture.image, located, options);
  if (request === latest) showResult(result, (performance.now() - start) / 1000);
}

/** Faces of the chosen picture, looked for once. */
async function locatedFaces(request, closely) {
  if (picture.located && picture.closely === closely) return picture.located;
  const chosen = picture;
  const told = (done, all) => {
    if (request !== latest) throw new Error("another picture was asked for");
    element.progress.hidden = false;
    element.progress.max = all;
    element.progress.value = done;
  };
  say("Looking for faces …");
  const located = await anonymizer.locate(chosen.image, { closely, told });
  Object.assign(chosen, { located, closely });
  return located;
}

function showResult({ image, portraits, faces, seed }, seconds) {
  shownSeed = seed;
  const shown = image ? [image] : portraits;
  element.pictures.replaceChildren(
    ...shown.map((each, k) => labelled(canvasOf(each), image ? "The picture with new faces" : `New head ${k + 1}`)),
  );
  element.faces.replaceChildren(...faces.map(toldFace));
  element.result.hidden = false;
  element.another.disabled = false;
  const covered = faces.filter((face) => !face.redrawn).length;
  say(`${counted(faces.length)} found; ${seconds.toFixed(1)} s; seed ${seed}.`);
  if (covered) warn(`${counted(covered)} could not be redrawn and ${covered > 1 ? "are" : "is"} covered with grey.`);
}

function counted(faces) {
  return `${faces} face${faces === 1 ? "" : "s"}`;
}

function labelled(canvas, label) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

function toldFace({ redrawn, reason }, index) {
  const item = document.createElement("li");
  item.textContent = `Face ${index + 1}: ${redrawn ? "a new face" : `covered (${reason})`}`;
  return item;
}

async function choose(file) {
  if (!file) return;
  latest++;
  stopCamera();
  clearResult();
  warn("");
  try {
    picture = { image: await readPicture(file), located: null };
  } catch (error) {
    picture = null;
    say("");
    warn(error.message);
    return;
  }
  await drawPicture();
}

function stopCamera() {
  if (live?.running) live.stop();
}

async function toggleCamera() {
  if (live?.running) return stopCamera();
  warn("");
  if (!seedIsValid()) return undefined;
  latest++;
  picture = null;
  element.file.value = "";
  element.another.disabled = true;
  clearResult();
  const canvas = labelled(document.createElement("canvas"), "Live view without faces");
  canvas.width = 640;
  canvas.height = 480;
  live = new LiveView(canvas, anonymizer, { tell: tellCamera, rate: tellRate });
  element.pictures.replaceChildren(canvas);
  element.result.hidden = false;
  const options = settings();
  shownSeed = options.seed;
  return live.start(options);
}

const CAMERA_TEXT = {
  starting: "Waiting for the camera …",
  shown: "Live: the faces that are found are new ones.",
  hidden: "A face is not found, so the whole picture is hidden.",
  stopped: "The camera is off.",
};

function tellCamera({ state, problem }) {
  say(CAMERA_TEXT[state]);
  if (problem) warn(`The camera stopped: ${problem}`);
  const on = state !== "stopped";
  element.camera.textContent = on ? "Stop the camera" : "Start the camera";
  element.camera.setAttribute("aria-pressed", String(on));
  if (!on) element.rate.textContent = "";
}

function tellRate(perSecond) {
  element.rate.textContent = `${perSecond.toFixed(1)} frames a second`;
}

function downloadShown() {
  [...element.pictures.children].forEach((canvas, k, all) => {
    download(canvas, `nobody-${shownSeed}${all.length > 1 ? `-${k + 1}` : ""}.png`);
  });
}

function wire() {
  element.file.addEventListener("change", () => choose(element.file.files[0]));
  element.settings.addEventListener("submit", (event) => event.preventDefault());
  element.settings.addEventListener("change", (event) => {
    if (event.target !== element.file) drawPicture();
  });
  element.another.addEventListener("click", () => {
    element.seed.value = "";
    drawPicture();
  });
  element.camera.addEventListener("click", toggleCamera);
  element.download.addEventListener("click", downloadShown);
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault(); // the browser would open the picture instead
      element.drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") choose(event.dataTransfer.files[0]);
    });
  }
}

async function start() {
  element.camera.disabled = element.file.disabled = true;
  wire();
  if (!globalThis.isSecureContext) {
    say("");
    warn("This page needs a secure address: https, or localhost.");
    return;
  }
  try {
    const { Anonymizer } = await import("./pipeline.js");
    anonymizer = await Anonymizer.load();
    element.camera.disabled = element.file.disabled = false;
    say("Ready.");
    await drawPicture(); // one that was dropped while the models were loaded
  } catch (error) {
    say("");
    warn(`This browser cannot run the page: ${error.message}`);
  }
}

await start();
