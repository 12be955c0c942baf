// Boxes drawn over faces that were missed, and faces picked in the picture: by pointer or keyboard.

import { byId, say } from './dom.js';

const CLICK_PX = 6; // of the screen: what is dragged less far is a click
const FIRST = 0.2; // side of a box that the keyboard begins with, of the picture's shorter side
const STEP = 0.02; // of an arrow key, alike
const LEAST_PX = 4; // of the picture
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};
const HELP = 'Drag over a face that was missed. Click a face to keep it as it is, or to take that '
  + 'back. Keys: arrows move a box, Shift and arrows resize it, Enter adds it.';

/**
 * The layer over the picture while faces are edited. Boxes are `{ x, y, w, h }` in pixels.
 * Handlers: `onBox([left, top, width, height])`, `onPick(x, y)`, `onEdit(editing)`.
 */
export class Editor {
  #button = byId('edit');
  #layer = byId('layer');
  #draft = byId('draft');
  #size = null;
  #start = null;
  #box = null;
  #handlers;

  constructor(handlers) {
    this.#handlers = handlers;
    this.#button.addEventListener('click', () => this.#edit(!this.editing));
    const on = (kind, listener) => this.#layer.addEventListener(kind, listener);
    on('pointerdown', (event) => this.#begin(event));
    on('pointermove', (event) => this.#drag(event));
    on('pointerup', (event) => this.#end(event));
    on('pointercancel', () => this.#drop());
    on('keydown', (event) => this.#key(event));
  }

  /** Whether faces are edited now. */
  get editing() {
    return this.#button.getAttribute('aria-pressed') === 'true';
  }

  /** Edit a picture of this `{ width, height }`, or none. */
  use(size) {
    if (size !== this.#size) this.#drop();
    this.#size = size;
    this.#button.disabled = !size;
    if (!size && this.editing) this.#edit(false);
  }

  #edit(editing) {
    this.#button.setAttribute('aria-pressed', editing);
    this.#layer.hidden = !editing;
    this.#drop();
    this.#handlers.onEdit(editing);
    if (editing) this.#layer.focus({ preventScroll: true });
  }

  #begin(event) {
    if (event.button !== 0 || this.#start) return;
    this.#layer.setPointerCapture(event.pointerId);
    this.#start = event;
  }

  #drag(event) {
    if (!this.#start || event.pointerId !== this.#start.pointerId) return;
    const [a, b] = [this.#at(this.#start), this.#at(event)];
    this.#show(this.#isClick(event) ? null : {
      x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), w: Math.abs(a.x - b.x), h: Math.abs(a.y - b.y),
    });
  }

  #end(event) {
    if (!this.#start || event.pointerId !== this.#start.pointerId) return;
    this.#drag(event);
    const { x, y } = this.#at(event);
    const isClick = this.#isClick(event);
    this.#start = null;
    if (isClick) this.#handlers.onPick(x, y);
    else this.#add();
  }

  #key(event) {
    const step = ARROWS[event.key];
    if (step) {
      const side = Math.min(this.#size.width, this.#size.height);
      const [x, y] = step.map((sign) => sign * Math.max(1, STEP * side));
      if (!this.#box) this.#show(this.#middle(side * FIRST));
      else if (event.shiftKey) this.#show(resized(this.#box, x, y));
      else this.#show(moved(this.#box, x, y));
    } else if (event.key === 'Enter') {
      if (this.#box) this.#add();
      else this.#show(this.#middle(FIRST * Math.min(this.#size.width, this.#size.height)));
    } else if (event.key === 'Escape') {
      if (this.#box) this.#drop();
      else this.#leave();
    } else {
      return;
    }
    event.preventDefault();
  }

  #leave() {
    this.#edit(false);
    this.#button.focus();
  }

  #add() {
    const box = this.#box;
    this.#drop();
    if (box && box.w >= LEAST_PX && box.h >= LEAST_PX) {
      this.#handlers.onBox([box.x, box.y, box.w, box.h]);
    }
  }

  #drop() {
    this.#start = null;
    this.#show(null);
  }

  /** Show a box within the picture, or none. */
  #show(box) {
    this.#box = box && inside(box, this.#size);
    this.#draft.hidden = !this.#box;
    say(byId('edit-words'), this.editing ? this.#words() : '');
    if (!this.#box) return;
    const { width, height } = this.#size;
    const { x, y, w, h } = this.#box;
    const sides = { left: x / width, top: y / height, width: w / width, height: h / height };
    for (const [name, share] of Object.entries(sides)) this.#draft.style[name] = `${100 * share}%`;
  }

  #words() {
    if (!this.#box) return HELP;
    const { x, y, w, h } = this.#box;
    return `Box of ${w} × ${h} pixels at ${x}, ${y}`;
  }

  #middle(side) {
    const { width, height } = this.#size;
    return { x: (width - side) / 2, y: (height - side) / 2, w: side, h: side };
  }

  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#layer.getBoundingClientRect();
    return {
      x: ((clientX - left) / width) * this.#size.width,
      y: ((clientY - top) / height) * this.#size.height,
    };
  }

  #isClick({ clientX, clientY }) {
    return Math.hypot(clientX - this.#start.clientX, clientY - this.#start.clientY) < CLICK_PX;
  }
}

function moved({ x, y, w, h }, right, down) {
  return { x: x + right, y: y + down, w, h };
}

/** About its middle. */
function resized({ x, y, w, h }, right, down) {
  const [wide, high] = [Math.max(LEAST_PX, w + 2 * right), Math.max(LEAST_PX, h + 2 * down)];
  return { x: x + (w - wide) / 2, y: y + (h - high) / 2, w: wide, h: high };
}

function inside({ x, y, w, h }, { width, height }) {
  const [left, right] = side(x, w, width);
  const [top, bottom] = side(y, h, height);
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/** Its ends in whole pixels; what is moved over the edge stops there, what is larger is cut. */
function side(start, length, whole) {
  const size = Math.min(Math.round(length), whole);
  const first = Math.min(Math.max(0, Math.round(start)), whole - size);
  return [first, first + size];
}
