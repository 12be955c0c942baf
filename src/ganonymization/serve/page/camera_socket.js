// The connection to the server's camera: frames out, answers in, opened again when it drops.

import { openCameraSocket, reachServer } from './api.js';

const UNANSWERED = 2;
const DEAF_MS = 10_000; // open, but silent for so long: as good as closed
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const FULL = 4429;

/**
 * Frames to the server and its answers. Handlers: `onPicture(blob, latencyMs)`, and `onWords(text)`
 * whenever there is nothing to show.
 */
export class CameraSocket {
  #handlers;
  #query = null;
  #socket = null;
  #sentAt = []; // of frames without an answer
  #promised = 0; // frames that are being encoded
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #deaf = 0;

  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Connect, or connect anew with other settings. */
  start(query) {
    this.stop();
    this.#query = query;
    this.#wait = FIRST_WAIT_MS;
    this.#connect();
  }

  /** Disconnect. */
  stop() {
    this.#query = null;
    clearTimeout(this.#timer);
    this.#leave();
  }

  /** Send the frame that `encode` resolves with, if the server has answered the ones before. */
  async offer(encode) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (this.#sentAt.length + this.#promised >= UNANSWERED) return;
    this.#promised += 1;
    const frame = await encode().catch(() => null);
    if (socket !== this.#socket) return; // #leave has set the count back
    this.#promised -= 1;
    if (!frame || socket.readyState !== WebSocket.OPEN) return;
    this.#sentAt.push(performance.now());
    socket.send(frame);
    this.#listen();
  }

  #connect() {
    this.#handlers.onWords('Connecting');
    const socket = openCameraSocket(this.#query);
    let opened = false;
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return;
      opened = true;
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#answered(data);
    });
    socket.addEventListener('close', (event) => {
      if (socket === this.#socket) this.#dropped(opened, event);
    });
  }

  #answered(data) {
    this.#wait = FIRST_WAIT_MS;
    const now = performance.now();
    const latencyMs = now - (this.#sentAt.shift() ?? now);
    this.#listen();
    if (typeof data === 'string') this.#handlers.onWords(wordsOf(data));
    else this.#handlers.onPicture(data, latencyMs);
  }

  async #dropped(opened, { code, reason }) {
    this.#leave();
    const wait = this.#wait;
    this.#wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    const why = code === FULL ? 'All cameras of this server are taken'
      : opened ? 'Connection lost' : 'No connection';
    this.#handlers.onWords(`${reason && code !== FULL ? reason : why}. Trying again`);
    const query = this.#query;
    // A browser does not tell why a WebSocket was refused. A plain request tells, and asks for
    // the token where that is why.
    if (!opened) await reachServer().catch(() => {});
    if (query !== this.#query || query === null) return;
    // Spread, so that many pages do not come back in the same moment.
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }

  /** Give the connection up where a frame is not answered at all. */
  #listen() {
    clearTimeout(this.#deaf);
    if (!this.#sentAt.length) return;
    const socket = this.#socket;
    this.#deaf = setTimeout(() => {
      if (socket === this.#socket) this.#dropped(true, {});
    }, DEAF_MS);
  }

  #leave() {
    clearTimeout(this.#deaf);
    const socket = this.#socket;
    this.#socket = null;
    this.#sentAt = [];
    this.#promised = 0;
    socket?.close();
  }
}

function wordsOf(text) {
  try {
    const { state, error } = JSON.parse(text);
    if (state === 'no face') return 'No face';
    if (state === 'error') return error ?? 'The server could not do it';
  } catch {
    // Words of another kind: all that counts is that there is nothing to show.
  }
  return 'Nothing to show';
}
