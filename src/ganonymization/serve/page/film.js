// The video that is looked at: what came back, and the original beside it, played in step. The
// original is the user's own file; nothing of it is fetched, and at rest nothing of it is shown.

import { byId, make, say } from './dom.js';

const APART_S = 0.08; // what the two may be apart before one is set to the other
const TICK_MS = 50; // from one look at the clock to the next

/** The view. Handler: `onClose()`. */
export class Film {
  #root = byId('film');
  #both = byId('film-both');
  #time = byId('film-time');
  #play = byId('film-play');
  #after = null; // <video>, or <img> of an animation
  #before = null; // alike, while it is shown
  #file = null;
  #still = true; // a picture has no clock of its own
  #timer = 0;

  constructor({ onClose }) {
    byId('film-close').addEventListener('click', () => { this.close(); onClose(); });
    this.#both.addEventListener('change', () => this.#compare());
    this.#play.addEventListener('click', () => this.#toggle());
    this.#time.addEventListener('input', () => this.#seek(Number(this.#time.value)));
  }

  /** Whether somebody is looking: it plays, or stands amid the video. */
  get used() {
    if (!this.#after || this.#still) return false;
    const { paused, currentTime, ended } = this.#after;
    return !paused || (currentTime > 0 && !ended);
  }

  /** Show a result. `file` is the original, or null where this page no longer has it. */
  show({ title, blob, file, note = '' }) {
    this.#drop();
    this.#still = blob.type.startsWith('image/');
    this.#file = file;
    this.#after = this.#element(blob, 'film-after', 'anonymized');
    byId('film-result').append(this.#after);
    byId('film-controls').hidden = this.#still;
    this.#both.disabled = !file;
    if (!file) this.#both.checked = false;
    say(byId('film-title'), title);
    say(byId('film-note'), [note, file ? '' : 'The original is no longer on this page.']
      .filter(Boolean).join(' '));
    this.#root.hidden = false;
    if (!this.#still) {
      this.#after.addEventListener('loadedmetadata', () => this.#tick());
      this.#after.addEventListener('ended', () => this.#pause());
    }
    this.#compare();
  }

  /** Say something below it. */
  note(words) {
    say(byId('film-note'), words);
  }

  /** Put the original out of sight, and stop. */
  cover() {
    this.#pause();
    this.#both.checked = false;
    this.#compare();
  }

  /** Put all of it away. */
  close() {
    this.#drop();
    this.#root.hidden = true;
  }

  #element(blob, testid, what) {
    const tag = this.#still ? 'img' : 'video';
    const name = this.#still ? { alt: `The animation, ${what}` } : { 'aria-label': `The video, ${what}` };
    const element = make(tag, { ...name, playsinline: true, data: { testid } });
    element.src = URL.createObjectURL(blob);
    return element;
  }

  #compare() {
    this.#remove(this.#before);
    this.#before = null;
    byId('film-original').hidden = !this.#both.checked;
    if (!this.#both.checked || !this.#file) return;
    this.#before = this.#element(this.#file, 'film-before', 'the original');
    this.#before.muted = true;
    this.#before.addEventListener('error', () => this.#unplayable());
    byId('film-original').append(this.#before);
    if (this.#still) {
      const { src } = this.#after;
      this.#after.src = ''; // both begin anew, together
      this.#after.src = src;
    } else {
      this.#before.addEventListener('loadedmetadata', () => this.#align());
      if (!this.#after.paused) this.#before.play().catch(() => {});
    }
  }

  #unplayable() {
    this.#both.checked = false;
    this.#both.disabled = true;
    this.#compare();
    this.note('This browser cannot show the original; the result stands alone.');
  }

  async #toggle() {
    if (!this.#after.paused) {
      this.#pause();
      return;
    }
    if (this.#after.ended) this.#seek(0);
    this.#before?.play().catch(() => {}); // its own error tells
    await this.#after.play().catch(() => this.note('This browser cannot play the result: save it.'));
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #pause() {
    clearInterval(this.#timer);
    if (this.#still) return;
    this.#after?.pause();
    this.#before?.pause();
    this.#align();
    this.#tick();
  }

  #seek(seconds) {
    this.#after.currentTime = seconds;
    this.#align();
    this.#tick();
  }

  /** The original follows the result, which has the sound. */
  #align() {
    if (this.#before) this.#before.currentTime = this.#after.currentTime;
  }

  #tick() {
    const { currentTime, duration, paused } = this.#after ?? {};
    if (!duration) return;
    if (this.#before && Math.abs(this.#before.currentTime - currentTime) > APART_S) this.#align();
    this.#time.max = duration;
    this.#time.value = currentTime;
    this.#time.setAttribute('aria-valuetext', clock(currentTime));
    say(byId('film-clock'), `${clock(currentTime)} of ${clock(duration)}`);
    say(this.#play, paused ? 'Play' : 'Pause');
  }

  #drop() {
    clearInterval(this.#timer);
    this.#remove(this.#before);
    this.#remove(this.#after);
    this.#before = this.#after = this.#file = null;
    byId('film-original').hidden = true;
  }

  #remove(element) {
    if (!element) return;
    element.remove();
    if (!this.#still) element.pause();
    URL.revokeObjectURL(element.src);
  }
}

function clock(seconds) {
  const whole = Math.round(seconds * 10) / 10;
  return `${Math.floor(whole / 60)}:${(whole % 60).toFixed(1).padStart(4, '0')}`;
}
