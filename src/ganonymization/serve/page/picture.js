// One picture on its way: what is asked for, how far it is, and what came back.

import { anonymize } from './api.js';
import { freshSeed } from './options.js';
import { count, stem } from './dom.js';

const BY_AUDIT = 'covered by the audit';
let last = 0;

/** A picture of the queue. `onChange` is called whenever there is something else to show. */
export class Picture {
  id = `picture-${last += 1}`;
  state = 'waiting'; // waiting, sending, working, busy, done, failed
  sent = 0; // share
  busyS = 0;
  error = '';
  result = null;
  resultUrls = [];
  facesAsked = new Map(); // index -> keep, fill or seed-N
  boxes = []; // left, top, width, height of faces that were missed, in pixels
  drawnWith = null; // the settings of the result
  #facesDrawn = new Map();
  #boxesDrawn = [];
  #aborter = null;
  #onChange;

  /** @param secret It is a snapshot of the camera: the picture itself is never shown. */
  constructor(file, options, { secret = false, onChange }) {
    this.file = file;
    this.options = options;
    this.secret = secret;
    this.#onChange = onChange;
  }

  get name() {
    return this.file.name;
  }

  get open() {
    return !['done', 'failed'].includes(this.state);
  }

  get portrait() {
    return this.result !== null && this.result.picture === null;
  }

  /** Where no face was found, the answer is the snapshot itself, perhaps with a face. */
  get withheld() {
    return this.secret && this.result !== null && this.result.faces.length === 0;
  }

  /** What may be saved: `[{ name, blob, url }]`, names ending in -anon.png. */
  get outputs() {
    if (!this.result || this.withheld) return [];
    const blobs = this.portrait ? this.result.portraits : [this.result.picture];
    return blobs.map((blob, i) => ({
      name: `${stem(this.name)}-anon${blobs.length > 1 ? `-${i + 1}` : ''}.png`,
      blob,
      url: this.resultUrls[i],
    }));
  }

  /** Ask for it again with other settings; what was asked for single faces is forgotten. */
  restart(options) {
    this.options = options;
    this.facesAsked.clear();
    this.#wait();
  }

  /** Ask for it again with one face treated otherwise: "keep", "fill", "another" or "default". */
  askForFace(face, what) {
    const index = this.#asked(face);
    if (what === 'default') this.facesAsked.delete(index);
    else this.facesAsked.set(index, what === 'another' ? `seed-${freshSeed()}` : what);
    this.#again();
  }

  /** Ask for it again with a face that was missed, `[left, top, width, height]`. */
  addFace(box) {
    this.boxes = [...this.boxes, box];
    this.#again();
  }

  /** Ask for it again without a face that was added. */
  removeFace({ index, box_xyxy: box }) {
    this.boxes = this.boxes.filter((added) => !isSame(added, box));
    // Added faces come last, so those after it move up.
    this.facesAsked = new Map([...this.facesAsked]
      .filter(([at]) => at !== index)
      .map(([at, what]) => [at > index ? at - 1 : at, what]));
    this.#again();
  }

  /** Whether a face of the result was added by hand. */
  isAdded({ box_xyxy: box }) {
    return this.boxes.some((added) => isSame(added, box));
  }

  /** Have it anonymized. Never throws: what went wrong is in `error`. */
  async run() {
    const aborter = new AbortController();
    this.#aborter = aborter;
    this.#become('sending', { sent: 0, error: '' });
    try {
      const result = await anonymize(this.file, this.#query(), {
        signal: aborter.signal,
        onSent: (share) => this.#become(share < 1 ? 'sending' : 'working', { sent: share }),
        onBusy: (seconds) => this.#become('busy', { busyS: seconds }),
      });
      if (aborter.signal.aborted) return;
      this.#keep(result);
      this.#become('done');
    } catch (error) {
      if (aborter.signal.aborted) return;
      // What is shown is still the result before, so its choices hold.
      this.facesAsked = new Map(this.#facesDrawn);
      this.boxes = this.#boxesDrawn;
      this.#become('failed', { error: error.message });
    }
  }

  /** Stop it and let go of its pictures. */
  drop() {
    this.#aborter?.abort();
    this.#forget();
  }

  /** How far it is, in words. */
  get words() {
    switch (this.state) {
      case 'waiting': return 'Waiting';
      case 'sending': return `Sending, ${Math.round(this.sent * 100)} %`;
      case 'working': return 'Anonymizing';
      case 'busy': return `The server is busy, again in ${this.busyS} s`;
      case 'failed': return this.error;
      default: return outcomes(this.result.faces);
    }
  }

  #query() {
    const faces = [...this.facesAsked].map(([index, what]) => `${index}:${what}`).join(',');
    return { ...this.options, faces, boxes: this.boxes.map((box) => box.join(',')) };
  }

  /** The index to ask for a face by. One that the audit found has to be added first. */
  #asked({ index, outcome, box_xyxy: [left, top, right, bottom] }) {
    if (outcome !== BY_AUDIT) return index;
    this.boxes = [...this.boxes, [left, top, right - left, bottom - top]];
    return this.result.faces.filter((face) => face.outcome !== BY_AUDIT).length;
  }

  /** The other faces stay who they are only under the same seed. */
  #again() {
    this.options = { ...this.drawnWith, seed: String(this.result.seed) };
    this.#wait();
  }

  #wait() {
    this.#aborter?.abort();
    this.#become('waiting');
  }

  #become(state, more = {}) {
    Object.assign(this, { state, ...more });
    this.#onChange(this);
  }

  #keep(result) {
    this.#forget();
    this.result = result;
    this.drawnWith = this.options;
    this.#facesDrawn = new Map(this.facesAsked);
    this.#boxesDrawn = this.boxes;
    const blobs = result.picture ? [result.picture] : result.portraits;
    this.resultUrls = blobs.map((blob) => URL.createObjectURL(blob));
  }

  #forget() {
    this.resultUrls.forEach((url) => URL.revokeObjectURL(url));
    this.resultUrls = [];
    this.result = null;
  }
}

/** What became of a face: new, kept or covered. */
export function kindOf(face) {
  if (face.outcome === 'synthesized') return 'new';
  return face.outcome === 'kept' ? 'kept' : 'covered';
}

function isSame([left, top, width, height], box) {
  const added = [left, top, left + width, top + height];
  return added.every((value, i) => Math.abs(value - box[i]) < 0.01);
}

function outcomes(faces) {
  if (!faces.length) return 'No face found';
  const parts = ['covered', 'kept']
    .map((kind) => [kind, faces.filter((face) => kindOf(face) === kind).length])
    .filter(([, number]) => number)
    .map(([kind, number]) => `${number} ${kind}`);
  return [count(faces.length, 'face'), ...parts].join(', ');
}
