// How far eyes and lips are open: read from one face and set in another
// (ganonymization/surrogate/eye_mouth_opening.py).
//
// Surfaces are 468 landmarks in the canonical frame, where y points down. The weights by which the skin
// follows lids and lips are solved for in Python and come with the shape model.

/** An eye or the mouth. */
export class Opening {
  constructor({ corners, upper, lower, upper_share: upperShare }, followers) {
    this.corners = corners;
    this.upper = upper;
    this.lower = lower;
    this.upperShare = upperShare;
    this.followers = followers; // (468, 2 * pairs), upper edge first
  }

  /** Distance of the corners. */
  width(surface) {
    const [a, b] = this.corners.map((corner) => corner * 3);
    const apart = [0, 1, 2].map((k) => surface[a + k] - surface[b + k]);
    return Math.max(Math.hypot(...apart), 1e-6);
  }

  /** Lower minus upper edge by pairs; negative where they cross. */
  gaps(surface) {
    return this.lower.map((low, k) => surface[low * 3 + 1] - surface[this.upper[k] * 3 + 1]);
  }

  /** Mean gap as a share of the width. */
  openness(surface) {
    return mean(this.gaps(surface)) / this.width(surface);
  }

  /** The surface with this opening set to a mean gap, given as a share of the width. */
  opened(surface, openness) {
    const size = openness * this.width(surface);
    const profile = this.profile(surface);
    const missing = this.gaps(surface).map((gap, k) => size * profile[k] - gap);
    const handles = [
      ...missing.map((gap) => -this.upperShare * gap),
      ...missing.map((gap) => (1 - this.upperShare) * gap),
    ];
    const out = Float64Array.from(surface);
    for (let landmark = 0; landmark < surface.length / 3; landmark++) {
      let step = 0;
      const row = landmark * handles.length;
      for (let k = 0; k < handles.length; k++) step += this.followers[row + k] * handles[k];
      out[landmark * 3 + 1] += step;
    }
    return out;
  }

  /** Each pair's gap beside the mean gap: an arch between the corners. */
  profile(surface) {
    const [left, right] = this.corners.map((corner) => surface[corner * 3]);
    const arch = this.upper.map((landmark) => {
      const share = (surface[landmark * 3] - left) / (right - left);
      return Math.max(4 * share * (1 - share), 0.05) ** 0.75;
    });
    const middle = mean(arch);
    return arch.map((height) => height / middle);
  }
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
