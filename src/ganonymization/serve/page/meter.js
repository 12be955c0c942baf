// Frames a second and median latency of the last two seconds.

const WINDOW_MS = 2000;

/** Answers and how long they took. */
export class Meter {
  #answers = []; // [when, latency], in ms
  #since = 0;

  /** Forget all. */
  clear() {
    this.#answers = [];
    this.#since = performance.now();
  }

  add(latencyMs) {
    this.#answers.push([performance.now(), latencyMs]);
  }

  /** `{ fps, latencyMs }`, each null where nothing has come. */
  read() {
    const now = performance.now();
    this.#answers = this.#answers.filter(([when]) => now - when < WINDOW_MS);
    if (!this.#answers.length) return { fps: null, latencyMs: null };
    const spanMs = Math.min(WINDOW_MS, Math.max(now - this.#since, 1));
    return {
      fps: (1000 * this.#answers.length) / spanMs,
      latencyMs: median(this.#answers.map(([, latency]) => latency)),
    };
  }
}

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
