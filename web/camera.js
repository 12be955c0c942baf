// Live view: camera frames without their faces. The video element never enters the document; what is
// shown is a canvas that holds a solid panel or an anonymized frame, and nothing else.

import { canvasOf, sameFace, sighted } from "./locate.js";
import { faceSeed } from "./seeds.js";

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 } };
const HOLD_MS = 1500; // for so long a face that was seen keeps the panel up when it is not
const PANEL = "rgb(127, 127, 127)";
const RATE_MS = 1000; // how often the rate is told

export class LiveView {
  /**
   * canvas shows, tell({state, problem}) is called when something changes: "starting", "shown",
   * "hidden" or "stopped". rate(perSecond) is called each second.
   */
  constructor(canvas, anonymizer, { tell, rate }) {
    Object.assign(this, { canvas, anonymizer, tell, rate });
    this.stream = null;
    this.state = "stopped";
    this.showPanel();
  }

  get running() {
    return this.state !== "stopped";
  }

  /** Ask for the camera and show frames until stop() or a failure. */
  async start({ seed, privacy }) {
    this.showPanel();
    this.change("starting");
    this.slots = [];
    this.born = 0;
    this.isFirst = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
      if (!this.running) { // stopped before the camera was allowed
        endTracks(stream);
        return;
      }
      this.stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.stop("it was taken away"));
      await this.showFrames(await playing(stream), stream, { seed, privacy });
    } catch (error) {
      this.stop(error.message);
    }
  }

  /** Let go of the camera and leave a panel. */
  stop(problem = null) {
    if (this.stream) endTracks(this.stream);
    this.stream = null;
    this.showPanel();
    this.change("stopped", problem);
  }

  async showFrames(video, stream, options) {
    let shown = 0;
    let since = performance.now();
    while (this.stream === stream) {
      const frame = await nextFrame(video);
      if (frame && this.stream === stream) await this.showFrame(frame, stream, options);
      shown++;
      const now = performance.now();
      if (now - since < RATE_MS) continue;
      this.rate((shown * 1000) / (now - since));
      [shown, since] = [0, now];
    }
  }

  /** Show one frame, or the panel where it holds no face or lacks one that was just seen. */
  async showFrame(frame, stream, { seed, privacy }) {
    const found = await this.anonymizer.finder.find(canvasOf(frame), { still: this.isFirst });
    this.isFirst = false;
    const now = performance.now();
    const faces = await this.named(found.map(sighted), seed, now);
    this.slots = this.slots.filter((slot) => now - slot.seenMs < HOLD_MS);
    const lost = this.slots.some((slot) => slot.seenMs !== now);
    if (!faces.length || lost) {
      this.showPanel();
      this.change("hidden");
      return;
    }
    const { image } = await this.anonymizer.redraw(frame, faces, { mode: "scene", privacy, still: false });
    if (this.stream !== stream) return; // stopped while it was drawn
    this.canvas.width = image.width;
    this.canvas.height = image.height;
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    this.change("shown");
  }

  /** Faces with the seed of the same person in earlier frames, so that nobody changes. */
  async named(faces, seed, now) {
    const free = new Set(this.slots);
    for (const face of faces) {
      let slot = [...free].find((each) => sameFace(each.box, face.boxes[0]));
      if (slot) free.delete(slot);
      else {
        slot = { seed: await faceSeed(seed, "camera", this.born++) };
        this.slots.push(slot);
      }
      Object.assign(slot, { box: face.boxes[0], seenMs: now });
      face.seed = slot.seed;
    }
    return faces;
  }

  showPanel() {
    const context = this.canvas.getContext("2d");
    context.fillStyle = PANEL;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  change(state, problem = null) {
    if (state === this.state && !problem) return;
    this.state = state;
    this.tell({ state, problem });
  }
}

function endTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** A playing video element that stays out of the document. */
async function playing(stream) {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  return video;
}

const grabber = document.createElement("canvas");

/** The camera's next picture, or null where there is none yet. */
async function nextFrame(video) {
  await new Promise((resolve) => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
  if (!video.videoWidth) return null;
  grabber.width = video.videoWidth;
  grabber.height = video.videoHeight;
  const context = grabber.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  return context.getImageData(0, 0, grabber.width, grabber.height);
}
