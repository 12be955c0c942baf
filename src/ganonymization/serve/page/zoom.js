// Zoom and pan: buttons, keys, the wheel, fingers, and the way to one face.

import { byId, say } from './dom.js';

const MOST = 16;
const STEP = 1.5; // of a button or key
const PAN_PX = 60; // of an arrow key
const WHEEL = 0.002; // a pixel of the wheel, as a power of e
const CLICK_PX = 5; // what moves less is a click
const CLOSE = 0.5; // a face's share of the stage, once it is looked at
const ARROWS = {
  ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

/** The frame in the stage. Handler: `onClick(event)`, a click on the picture that moves nothing. */
export class Zoom {
  #stage = byId('stage');
  #frame = byId('frame');
  #ratio = 1;
  #scale = 1;
  #x = 0; // of the frame's middle from the stage's, in pixels of the screen
  #y = 0;
  #pointers = new Map(); // id -> event
  #start = null; // event, while it may be a click
  #onClick;

  constructor({ onClick }) {
    this.#onClick = onClick;
    byId('zoom-in').addEventListener('click', () => this.#by(STEP));
    byId('zoom-out').addEventListener('click', () => this.#by(1 / STEP));
    byId('zoom-fit').addEventListener('click', () => this.fit());
    const on = (kind, listener) => this.#stage.addEventListener(kind, listener);
    on('keydown', (event) => this.#key(event));
    on('pointerdown', (event) => this.#down(event));
    on('pointermove', (event) => this.#move(event));
    on('pointerup', (event) => this.#up(event));
    on('pointercancel', (event) => this.#up(event));
    this.#stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.#draw()).observe(this.#stage);
  }

  /** Show a picture of another shape, width by height. */
  use(ratio) {
    this.#ratio = ratio;
    this.#draw();
  }

  /** Show all of it. */
  fit() {
    this.#to(1, 0, 0);
  }

  /** Look at a box, `[left, top, right, bottom]` in pixels of a picture of this size. */
  lookAt([left, top, right, bottom], { width, height }) {
    const { w, h } = this.#whole();
    const [wide, high] = [(w * (right - left)) / width, (h * (bottom - top)) / height];
    const { clientWidth, clientHeight } = this.#stage;
    const scale = CLOSE * Math.min(clientWidth / wide, clientHeight / high);
    const most = Math.min(Math.max(scale, 1), MOST);
    this.#to(most, (0.5 - (left + right) / 2 / width) * w * most,
      (0.5 - (top + bottom) / 2 / height) * h * most);
  }

  /** The frame's size where all of it is shown. */
  #whole() {
    const { clientWidth, clientHeight } = this.#stage;
    const w = Math.min(clientWidth, clientHeight * this.#ratio);
    return { w, h: w / this.#ratio };
  }

  /** Zoom by a factor about a place, from the stage's middle. */
  #by(factor, x = 0, y = 0) {
    const scale = Math.min(Math.max(this.#scale * factor, 1), MOST);
    const real = scale / this.#scale;
    this.#to(scale, x - (x - this.#x) * real, y - (y - this.#y) * real);
  }

  #to(scale, x, y) {
    this.#scale = scale;
    this.#x = x;
    this.#y = y;
    this.#draw();
  }

  #draw() {
    const { clientWidth, clientHeight } = this.#stage;
    const whole = this.#whole();
    const across = this.#along('x', whole.w * this.#scale, clientWidth);
    const down = this.#along('y', whole.h * this.#scale, clientHeight);
    const { style } = this.#frame;
    // Whole pixels, so that the picture is not blurred by half of one.
    for (const [name, { start, size }] of Object.entries({ left: across, top: down })) {
      style[name] = `${Math.round(start)}px`;
      style[name === 'left' ? 'width' : 'height'] = `${Math.round(size)}px`;
    }
    const seen = { left: across.hidden, width: across.share, top: down.hidden, height: down.share };
    for (const [name, share] of Object.entries(seen)) {
      style.setProperty(`--seen-${name}`, `${100 * share}%`);
    }
    this.#stage.classList.toggle('zoomed', this.#scale > 1);
    byId('zoom-out').setAttribute('aria-disabled', this.#scale <= 1);
    byId('zoom-in').setAttribute('aria-disabled', this.#scale >= MOST);
    say(byId('zoom-fit'), `${Math.round(100 * this.#scale)} %`);
  }

  /** Keep the frame over the stage in one direction; where it is, and which shares are seen. */
  #along(axis, size, room) {
    const free = Math.max(0, (size - room) / 2);
    const at = Math.min(Math.max(axis === 'x' ? this.#x : this.#y, -free), free);
    if (axis === 'x') this.#x = at;
    else this.#y = at;
    const share = size ? Math.min(1, room / size) : 1;
    return { start: (room - size) / 2 + at, size, hidden: size ? (free - at) / size : 0, share };
  }

  #key(event) {
    const step = ARROWS[event.key];
    if (event.key === '+' || event.key === '=') this.#by(STEP);
    else if (event.key === '-') this.#by(1 / STEP);
    else if (event.key === '0') this.fit();
    else if (event.target === this.#stage && step && this.#scale > 1) {
      this.#to(this.#scale, this.#x + PAN_PX * step[0], this.#y + PAN_PX * step[1]);
    } else return;
    event.preventDefault();
  }

  /** Without Ctrl the wheel scrolls the page, but where the picture is zoomed already. */
  #wheel(event) {
    const asked = event.ctrlKey || event.metaKey;
    if (!asked && this.#scale === 1) return;
    event.preventDefault();
    const [x, y] = this.#place(event);
    this.#by(Math.exp(-event.deltaY * WHEEL * (event.deltaMode ? 20 : 1) * (asked ? 2 : 1)), x, y);
  }

  #down(event) {
    if (event.button !== 0 || event.target.closest('button, input, .layer, .problem')) return;
    this.#start = this.#pointers.size ? null : event;
    this.#pointers.set(event.pointerId, event);
    this.#stage.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const far = this.#start && Math.hypot(
      event.clientX - this.#start.clientX, event.clientY - this.#start.clientY,
    );
    if (far !== null && far < CLICK_PX) return;
    this.#start = null;
    const others = [...this.#pointers.values()].filter((one) => one !== before);
    this.#pointers.set(event.pointerId, event);
    if (others.length) {
      const [x, y] = this.#place(others[0]);
      this.#by(apart(event, others[0]) / Math.max(1, apart(before, others[0])), x, y);
    } else if (this.#scale > 1) {
      this.#to(this.#scale, this.#x + event.clientX - before.clientX,
        this.#y + event.clientY - before.clientY);
    }
  }

  #up(event) {
    const clicked = this.#start && event.type === 'pointerup';
    this.#pointers.delete(event.pointerId);
    this.#start = null;
    if (clicked) this.#onClick(event);
  }

  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#stage.getBoundingClientRect();
    return [clientX - left - width / 2, clientY - top - height / 2];
  }
}

function apart(a, b) {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}
