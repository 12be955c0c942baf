// The Picture tab: what comes in, what is done next, what goes out together.

import { byId, count, save, say } from './dom.js';
import { watchFiles } from './file_drop.js';
import { optionsOf, watchOptions } from './options.js';
import { Picture } from './picture.js';
import { Queue } from './queue.js';
import { sample } from './sample.js';
import { takeSnapshot } from './snapshot.js';
import { View } from './view.js';
import { distinct, zip } from './zip.js';

const AT_ONCE = 2; // one is sent while another is worked on
const READABLE = /^image\/(jpeg|png|webp|tiff|bmp|avif)$|\.(jpe?g|png|webp|tiff?|bmp|avif)$/i;
const TAKEN = 'Taken are JPEG, PNG, WebP, TIFF, BMP, AVIF, HEIC. Videos, GIFs, ZIPs: Video tab.';

/** The tab. */
export class Pictures {
  #form = byId('picture-options');
  #queue = new Queue(byId('queue'), {
    onSelect: (picture) => this.#select(picture),
    onRemove: (picture) => this.#remove(picture),
  });
  #view = new View({
    onRedo: (picture) => this.#redo([picture]),
    onSeed: (seed) => this.#useSeed(seed),
  });
  #pictures = [];
  #selected = null;
  #running = new Set();

  constructor() {
    watchOptions(this.#form);
    watchFiles({
      zone: byId('picture-drop'), input: byId('picture-input'), button: byId('picture-choose'),
      paste: true, active: () => !byId('picture').hidden && !document.querySelector('dialog[open]'),
      onFiles: (files) => this.#take(files),
    });
    byId('picture-take').addEventListener('click', () => this.#takeSnapshot());
    byId('picture-sample').addEventListener('click', () => this.#trySample());
    byId('picture-zip').addEventListener('click', () => this.#saveAll());
    byId('picture-redo-all').addEventListener('click', () => this.#redo(this.#pictures));
    byId('picture-clear').addEventListener('click', () => this.#clear());
    this.#view.show(null);
  }

  /** Put originals out of sight, for the tab is left. */
  leave() {
    this.#view.cover();
  }

  #take(files) {
    const readable = files.filter(({ type, name }) => READABLE.test(type) || READABLE.test(name));
    const others = files.length - readable.length;
    this.#withOptions((options) => {
      readable.forEach((file) => this.#add(file, options));
      if (others) throw new Error(`${count(others, 'file')} left out. ${TAKEN}`);
    });
  }

  async #trySample() {
    try {
      this.#take([await sample('sample.webp')]);
    } catch (error) {
      this.#note(error.message);
    }
  }

  async #takeSnapshot() {
    const snapshot = await takeSnapshot();
    if (snapshot) this.#withOptions((options) => this.#add(snapshot, options, true));
  }

  #add(file, options, secret = false) {
    const onChange = (picture) => this.#changed(picture);
    const picture = new Picture(file, options, { secret, onChange });
    this.#pictures.push(picture);
    this.#queue.add(picture);
    if (this.#pictures.length === 1 || secret) this.#select(picture);
    this.#changed(picture);
    this.#pump();
  }

  #pump() {
    while (this.#running.size < AT_ONCE) {
      const next = this.#pictures.find((p) => p.state === 'waiting' && !this.#running.has(p));
      if (!next) return;
      this.#running.add(next);
      next.run().finally(() => {
        this.#running.delete(next);
        this.#pump();
      });
    }
  }

  #changed(picture) {
    this.#queue.update(picture);
    this.#view.update(picture);
    this.#showStatus();
    if (picture.state === 'waiting') this.#pump();
  }

  #select(picture) {
    this.#selected = picture;
    this.#queue.select(picture);
    this.#view.show(picture);
  }

  #remove(picture) {
    const at = this.#pictures.indexOf(picture);
    picture.drop();
    this.#pictures.splice(at, 1);
    this.#queue.remove(picture);
    const near = this.#pictures[Math.min(at, this.#pictures.length - 1)] ?? null;
    if (picture === this.#selected) this.#select(near);
    if (near) this.#queue.focus(near);
    else byId('picture-choose').focus();
    this.#showStatus();
  }

  #clear() {
    [...this.#pictures].forEach((picture) => this.#remove(picture));
  }

  #redo(pictures) {
    this.#withOptions((options) => pictures.forEach((picture) => picture.restart(options)));
  }

  #useSeed(seed) {
    this.#form.elements.seed.value = seed;
    this.#note(`The next pictures are drawn with seed ${seed}.`);
  }

  #withOptions(run) {
    this.#note('');
    try {
      run(optionsOf(this.#form));
    } catch (error) {
      this.#note(error.message);
    }
  }

  async #saveAll() {
    const outputs = this.#pictures.flatMap((picture) => picture.outputs);
    const names = distinct(outputs.map(({ name }) => name));
    try {
      save(await zip(outputs.map(({ blob }, i) => ({ name: names[i], blob }))), 'anonymized.zip');
    } catch (error) {
      this.#note(error.message);
    }
  }

  #note(text) {
    say(byId('picture-note'), text);
  }

  #showStatus() {
    const open = this.#pictures.filter((picture) => picture.open).length;
    const failed = this.#pictures.filter((picture) => picture.state === 'failed').length;
    const all = this.#pictures.length;
    byId('picture-zip').disabled = !this.#pictures.some((picture) => picture.outputs.length);
    byId('picture-all').hidden = all < 2;
    const parts = [`${all - open} of ${count(all, 'picture')} done`];
    if (failed) parts.push(`${failed} failed`);
    say(byId('picture-status'), all ? `${parts.join(', ')}.` : '');
  }
}
