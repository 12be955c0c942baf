// What is shown of a camera: an anonymized answer of the server, or one flat colour.
//
// It fails closed. The canvas is the panel until an answer has been decoded, and becomes the panel
// again when the server answers with words, when it is silent, and when the connection ends. The
// camera's own picture never comes near it: only `show` draws, and only what the server sent.

const SILENCE_MS = 500;
const PANEL = '#3d4856';
const [WIDTH, HEIGHT] = [640, 480];

/** A canvas with words over it. */
export class Viewfinder {
  showing = false; // an anonymized picture can be seen
  fixed = false; // the canvas keeps its size, for it is being recorded
  #canvas;
  #context;
  #words;
  #onChange;
  #held = false;
  #last = 0; // number of the newest thing that came
  #settled = 0; // number of the newest thing that is shown; older ones are not drawn any more
  #silence = 0;

  constructor(canvas, words, { onChange = () => {} } = {}) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false });
    this.#words = words;
    this.#onChange = onChange;
    this.#resize(WIDTH, HEIGHT);
    this.panel(words.textContent);
  }

  /** Show the plain panel with words. A frozen picture stays: it is an anonymized one. */
  panel(words) {
    clearTimeout(this.#silence);
    this.#last += 1;
    this.#settled = this.#last;
    if (this.#held) return;
    this.#context.fillStyle = PANEL;
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (this.#words.textContent !== words) this.#words.textContent = words;
    this.#words.hidden = false;
    this.#shown(false);
  }

  /** Show an answer, a JPEG, unless something newer has come while it was decoded. */
  async show(jpeg) {
    const number = this.#last += 1;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.panel('No answer'), SILENCE_MS);
    let bitmap;
    try {
      bitmap = await createImageBitmap(jpeg);
    } catch {
      if (number > this.#settled) this.panel('Unreadable answer');
      return;
    }
    if (number > this.#settled && !this.#held) {
      this.#settled = number;
      this.#draw(bitmap);
    }
    bitmap.close();
  }

  /** Hold the picture that is shown, or let go of it: then the panel is shown until the next. */
  freeze(on) {
    if (on && !this.showing) return;
    this.#held = on;
    if (!on) this.panel('Connecting');
  }

  #draw(bitmap) {
    const { width, height } = bitmap;
    if (!this.fixed) this.#resize(width, height);
    const canvas = this.#canvas;
    const scale = Math.min(canvas.width / width, canvas.height / height);
    const [w, h] = [width * scale, height * scale];
    if (w < canvas.width || h < canvas.height) {
      this.#context.fillStyle = PANEL;
      this.#context.fillRect(0, 0, canvas.width, canvas.height);
    }
    this.#context.drawImage(bitmap, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
    this.#words.hidden = true;
    this.#shown(true);
  }

  #resize(width, height) {
    // Setting a canvas's size clears it, even to the same size.
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
  }

  #shown(on) {
    if (this.showing === on) return;
    this.showing = on;
    this.#onChange();
  }
}
