// A camera, the server's answers to it, and the canvas that shows them.

import { Feed } from './feed.js';
import { Source } from './source.js';
import { Viewfinder } from './viewfinder.js';

/** Handlers, all optional: `onChange()`, `onAnswer(latencyMs)`, `onEnd(words)`. */
export class Live {
  running = false;
  #handlers;
  #source = new Source({ onFrame: () => this.#pump(), onEnd: () => this.#ended() });
  #feed = new Feed({
    onPicture: (jpeg, latencyMs) => {
      this.finder.show(jpeg);
      this.#handlers.onAnswer?.(latencyMs);
    },
    onWords: (words) => this.finder.panel(words),
  });

  constructor(canvas, words, handlers = {}) {
    this.#handlers = handlers;
    this.finder = new Viewfinder(canvas, words, { onChange: () => handlers.onChange?.() });
  }

  get deviceId() {
    return this.#source.deviceId;
  }

  /** Open a camera and connect. Throws an error in words; resolves with false if stopped meanwhile. */
  async start(deviceId, query) {
    this.#feed.stop();
    this.finder.panel('Opening the camera');
    try {
      if (!await this.#source.start(deviceId)) return false;
    } catch (error) {
      this.stop();
      throw error;
    }
    this.running = true;
    this.#feed.start(query);
    this.#handlers.onChange?.();
    return true;
  }

  /** Connect anew with other settings. */
  change(query) {
    if (this.running) this.#feed.start(query);
  }

  /** Close camera and connection. */
  stop(words = 'Camera off') {
    this.running = false;
    this.#feed.stop();
    this.#source.stop();
    this.finder.freeze(false);
    this.finder.panel(words);
    this.#handlers.onChange?.();
  }

  /** The camera's picture in full size, as JPEG, for the server alone. */
  still() {
    return this.#source.still();
  }

  #pump() {
    this.#feed.offer(() => this.#source.frame());
  }

  #ended() {
    this.stop('The camera went away');
    this.#handlers.onEnd?.();
  }
}
