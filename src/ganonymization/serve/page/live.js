// A camera, the server's answers to it, and the canvas that shows them.

import { CameraDevice } from './camera_device.js';
import { CameraSocket } from './camera_socket.js';
import { Viewfinder } from './viewfinder.js';

/** Handlers, all optional: `onChange()`, `onAnswer(latencyMs)`, `onEnd(words)`. */
export class Live {
  running = false;
  #handlers;
  #device = new CameraDevice({ onFrame: () => this.#pump(), onEnd: () => this.#ended() });
  #socket = new CameraSocket({
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
    return this.#device.deviceId;
  }

  /** Open a camera and connect. Throws an error in words; resolves with false if stopped meanwhile. */
  async start(deviceId, query) {
    this.#socket.stop();
    this.finder.panel('Opening the camera');
    try {
      if (!await this.#device.start(deviceId)) return false;
    } catch (error) {
      this.stop();
      throw error;
    }
    this.running = true;
    this.#socket.start(query);
    this.#handlers.onChange?.();
    return true;
  }

  /** Connect anew with other settings. */
  change(query) {
    if (this.running) this.#socket.start(query);
  }

  /** Close camera and connection. */
  stop(words = 'Camera off') {
    this.running = false;
    this.#socket.stop();
    this.#device.stop();
    this.finder.freeze(false);
    this.finder.panel(words);
    this.#handlers.onChange?.();
  }

  /** The camera's picture in full size, as JPEG, for the server alone. */
  snapshot() {
    return this.#device.snapshot();
  }

  #pump() {
    this.#socket.offer(() => this.#device.frame());
  }

  #ended() {
    this.stop('The camera went away');
    this.#handlers.onEnd?.();
  }
}
