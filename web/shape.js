// Surrogate geometry: takes the person out of 478 landmarks, and keeps pose and expression.
//
// The same model and the same sums as ganonymization/surrogate/shape_model.py, one face at a time:
//
//     surface' = mean + pose terms + nobody + decode(zone(encode(surface - mean - pose terms)))

import { fitSimilarity3d, rotated, tiltOf } from "./align.js";
import { readBundle } from "./bundle.js";
import { Opening } from "./openings.js";
import { ASSETS } from "./paths.js";
import {
  CANONICAL, CANONICAL_RIGID, EYES, LANDMARK_COUNT, OPENINGS, RIGID, SURFACE_COUNT, picked,
} from "./topology.js";

const SIZE = SURFACE_COUNT * 3;
const MAX_YAW_RAD = 1; // beyond it the pose terms stay what they are
const MAX_PITCH_RAD = 0.7;
const MAX_DEVIATIONS = 2; // of a nobody in each direction
const SPREAD = 1.2; // of nobodies, of people: who shares hair and neck looks more alike
const CLOSED_LIPS = 0.01; // what FaceMesh leaves between closed lips, in widths of the mouth
const EYE_OPENNESS = 0.19; // usual mean gap of the lids, in widths of the eye
const NARROW_EYE = 0.72; // in usual ones: beyond them it is an expression
const WIDE_EYE = 1.25;
const MAX_GAZE = 0.3; // in eye widths

const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** Splits faces into pose, identity and expression, and replaces the identity. */
export class ShapeModel {
  static async load(stem = new URL("shape", ASSETS)) {
    return new ShapeModel(await readBundle(stem));
  }

  constructor(arrays) {
    this.mean = arrays.mean.values;
    this.poseTerms = arrays.pose_terms.values;
    this.people = arrays.people.values;
    this.nobodySize = arrays.people.shape[0];
    this.coders = {};
    for (const name of Object.keys(arrays).filter((key) => key.endsWith(".threshold"))) {
      const privacy = name.slice(0, -".threshold".length);
      this.coders[privacy] = {
        encode: arrays[`${privacy}.encode`].values,
        threshold: arrays[name].values,
        decode: arrays[`${privacy}.decode`].values,
      };
    }
    const opening = (name) => new Opening(OPENINGS[name], arrays[`${name}.followers`].values);
    this.eyes = [opening("eye_right"), opening("eye_left")];
    this.mouth = opening("mouth");
  }

  /**
   * Nobody's landmarks with this face's pose and expression, in the same pixels.
   *
   * numbers are nobodySize numbers from N(0, 1): who the nobody is. privacy names a coder.
   */
  surrogate(landmarksPx, numbers, privacy = "balanced") {
    const coder = this.coders[privacy];
    if (!coder) throw new Error(`the shape model has no setting "${privacy}"`);
    const face = Posed.of(landmarksPx);
    const atRest = combined(this.mean, face.poseFeatures(), this.poseTerms);
    const original = face.frontal.subarray(0, SIZE);
    const expression = expressed(coder, original.map((value, k) => value - atRest[k]));
    const nobody = combined(atRest, nobodyOf(numbers), this.people);
    const replaced = this.opened(nobody.map((value, k) => value + expression[k]), original, nobody);
    const whole = new Float64Array(LANDMARK_COUNT * 3);
    whole.set(replaced);
    whole.set(irises(replaced, gazeOf(face.frontal)), SIZE);
    // Fitted again, for the new face must not change what is taken for its pose.
    return face.posed(Posed.of(whole).frontal);
  }

  /** The new face with eyes and lips open as in the original. */
  opened(replaced, original, nobody) {
    const lips = Math.max(this.mouth.openness(original) - CLOSED_LIPS, 0);
    let surface = this.mouth.opened(replaced, lips);
    for (const eye of this.eyes) {
      const ratio = eye.openness(original) / EYE_OPENNESS;
      const narrowed = clip(ratio / NARROW_EYE, 0, 1); // most of what is between is the person's
      const widened = Math.max(ratio / WIDE_EYE, 1);
      surface = eye.opened(surface, eye.openness(nobody) * narrowed * widened);
    }
    return surface;
  }
}

/** A surface plus weighted rows of a matrix. */
function combined(surface, weights, rows) {
  const sum = Float64Array.from(surface);
  weights.forEach((weight, row) => {
    for (let k = 0; k < sum.length; k++) sum[k] += weight * rows[row * sum.length + k];
  });
  return sum;
}

function nobodyOf(numbers) {
  return Array.from(numbers, (number) => SPREAD * clip(number, -MAX_DEVIATIONS, MAX_DEVIATIONS));
}

/** What a coder lets through of a surface's deviations; codes below the threshold become zero. */
function expressed({ encode, threshold, decode }, deviations) {
  const codes = Array.from(threshold, (limit, row) => {
    let code = 0;
    for (let k = 0; k < SIZE; k++) code += encode[row * SIZE + k] * deviations[k];
    const size = Math.max(Math.abs(code), 1e-12);
    return code * Math.max(0, 1 - (limit / size) ** 4);
  });
  return combined(new Float64Array(SIZE), codes, decode);
}

/** A face in the canonical frame, and where it was. */
export class Posed {
  constructor(frontal, scale, rotation, shift) {
    Object.assign(this, { frontal, scale, rotation, shift });
  }

  /** Fit the canonical face's rigid landmarks to this face's; throws where it has no extent. */
  static of(points) {
    if (points.length !== LANDMARK_COUNT * 3 || !points.every(Number.isFinite)) {
      throw new Error("landmarks are not finite");
    }
    const { scale, rotation, shift } = fitSimilarity3d(CANONICAL_RIGID, picked(points, RIGID));
    if (!(scale > 1e-6)) throw new Error("landmarks have no extent");
    const back = transposed(rotation);
    const frontal = new Float64Array(points.length);
    for (let at = 0; at < points.length; at += 3) {
      const centred = [0, 1, 2].map((k) => (points[at + k] - shift[k]) / scale);
      frontal.set(rotated(back, centred), at);
    }
    return new Posed(frontal, scale, rotation, shift);
  }

  /** Another face where this one was. */
  posed(frontal) {
    const points = new Float64Array(frontal.length);
    for (let at = 0; at < frontal.length; at += 3) {
      const turned = rotated(this.rotation, frontal.subarray(at, at + 3));
      for (let k = 0; k < 3; k++) points[at + k] = this.scale * turned[k] + this.shift[k];
    }
    return points;
  }

  /** Nine powers of yaw and pitch; a tilt in the picture's plane changes nothing. */
  poseFeatures() {
    const r = this.rotation;
    const tilt = tiltOf(r);
    const across = Math.cos(tilt) * r[2] + Math.sin(tilt) * r[5];
    const down = Math.cos(tilt) * r[5] - Math.sin(tilt) * r[2];
    const y = clip(Math.atan2(across, r[8]), -MAX_YAW_RAD, MAX_YAW_RAD);
    const p = clip(Math.asin(clip(-down, -1, 1)), -MAX_PITCH_RAD, MAX_PITCH_RAD);
    return [y, p, y * y, p * p, y * p, y ** 3, p ** 3, y * y * p, y * p * p];
  }
}

function transposed(r) {
  return [r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]];
}

/** Mean of a ring's landmarks. */
function middleOf(points, ring) {
  return [0, 1, 2].map((k) => ring.reduce((sum, i) => sum + points[i * 3 + k], 0) / ring.length);
}

/** Distance of an eye's corners. */
function eyeWidth(points, ring) {
  const apart = [0, 1, 2].map((k) => points[ring[0] * 3 + k] - points[ring[8] * 3 + k]);
  return Math.max(Math.hypot(...apart), 1e-6);
}

/** The iris' centre from the eye's middle, x and y in eye widths. */
function irisOffset(points, { ring, iris }) {
  const middle = middleOf(points, ring);
  return [0, 1].map((k) => (points[iris[0] * 3 + k] - middle[k]) / eyeWidth(points, ring));
}

/** How far both irises lie off a gaze straight ahead, in eye widths; one for both eyes. */
function gazeOf(frontal) {
  const offsets = EYES.map((eye) => {
    const ahead = irisOffset(CANONICAL, eye);
    return irisOffset(frontal, eye).map((value, k) => value - ahead[k]);
  });
  return [0, 1].map((k) => clip((offsets[0][k] + offsets[1][k]) / 2, -MAX_GAZE, MAX_GAZE));
}

/** Usual irises that look where the original ones do, ten landmarks. */
function irises(surface, gaze) {
  const drawn = [];
  for (const { ring, iris } of EYES) {
    const usualMiddle = middleOf(CANONICAL, ring);
    const middle = middleOf(surface, ring);
    const size = eyeWidth(surface, ring);
    const usualSize = eyeWidth(CANONICAL, ring);
    for (const landmark of iris) {
      for (let k = 0; k < 3; k++) {
        const usual = (CANONICAL[landmark * 3 + k] - usualMiddle[k]) / usualSize;
        drawn.push(middle[k] + (usual + (gaze[k] ?? 0)) * size);
      }
    }
  }
  return drawn;
}
