// Before and after: the original lies over the result, cut off at the slider. At rest nothing of
// it is shown, and it is not even loaded.

import { byId, say } from './dom.js';

/** The slider over a picture. */
export class Compare {
  #frame = byId('frame');
  #before = byId('before');
  #cut = byId('cut');
  #slider = byId('slider');
  #toggle = byId('compare');
  #file = null;
  #url = null;
  #unshowable = false;

  constructor() {
    this.#slider.addEventListener('input', () => this.#draw());
    this.#toggle.addEventListener('change', () => this.reset());
    this.#before.addEventListener('error', () => {
      if (!this.#url) return;
      this.#unshowable = true;
      this.reset();
    });
    this.#draw();
  }

  /** Compare with another original, or with none. */
  use(file) {
    if (file === this.#file) return;
    this.#file = file;
    this.#unshowable = false;
    this.reset();
  }

  /** Hide the original. */
  reset() {
    this.#slider.value = 0;
    this.#unload();
    const can = this.#file !== null && !this.#unshowable;
    this.#toggle.disabled = !can;
    this.#slider.hidden = !can || !this.#toggle.checked;
    this.#cut.hidden = this.#slider.hidden;
    say(this.#toggle.nextElementSibling, this.#unshowable
      ? 'This browser cannot show the original' : 'Compare with original');
    this.#draw();
  }

  #draw() {
    const share = Number(this.#slider.value) / 100;
    this.#frame.style.setProperty('--share', share);
    this.#frame.classList.toggle('at-start', share === 0);
    this.#frame.classList.toggle('at-end', share === 1);
    this.#slider.setAttribute('aria-valuetext', share === 0
      ? 'Nothing of the original' : `${Math.round(share * 100)} % of the original`);
    if (share > 0) this.#load();
    this.#before.hidden = share === 0;
  }

  #load() {
    if (this.#url) return;
    this.#url = URL.createObjectURL(this.#file);
    this.#before.src = this.#url;
  }

  #unload() {
    if (!this.#url) return;
    URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.#before.removeAttribute('src');
  }
}
