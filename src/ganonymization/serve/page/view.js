// The picture that is looked at: result, original, faces, and what can be saved.

import { Compare } from './compare.js';
import { byId, count, save, say } from './dom.js';
import { Editor } from './editor.js';
import { Faces } from './faces.js';
import { numberPlaces } from './numbers.js';
import { Zoom } from './zoom.js';

const JPEG_QUALITY = 0.92;

/** The view. Handlers: `onRedo(picture)`, `onSeed(seed)`. */
export class View {
  #compare = new Compare();
  #faces = new Faces(byId('chips'), byId('boxes'), { onSelect: (at) => this.#select(at) });
  #editor = new Editor({
    onBox: (box) => this.#picture.open || this.#picture.addFace(box),
    onPick: (x, y) => this.#faces.pick(x, y),
    onEdit: () => this.#drawEditing(),
  });
  #zoom = new Zoom({ onClick: (event) => this.#click(event) });
  #picture = null;
  #selected = null; // face

  constructor({ onRedo, onSeed }) {
    byId('save-png').addEventListener('click', () => this.#savePng());
    byId('save-jpeg').addEventListener('click', () => this.#saveJpeg());
    byId('redo').addEventListener('click', () => onRedo(this.#picture));
    byId('seed-again').addEventListener('click', () => onSeed(this.#picture.result.seed));
    byId('numbers').addEventListener('change', () => this.#drawEditing());
    new ResizeObserver(() => this.#placeNumbers()).observe(byId('frame'));
    byId('frame').addEventListener('pointermove', (event) => this.#light(event));
    byId('frame').addEventListener('pointerleave', () => this.#faces.light(-1, -1));
  }

  /** Show a picture, or none. */
  show(picture) {
    if (picture !== this.#picture) {
      this.#selected = null;
      this.#zoom.fit();
    }
    this.#picture = picture;
    byId('view').hidden = !picture;
    this.#draw();
  }

  /** Show it anew if it is the one that is shown. */
  update(picture) {
    if (picture === this.#picture) this.#draw();
  }

  /** Put the original out of sight. */
  cover() {
    this.#compare.reset();
  }

  #draw() {
    const picture = this.#picture;
    const output = this.#output();
    byId('view').classList.toggle('heads', Boolean(picture?.portrait));
    byId('view').setAttribute('aria-busy', Boolean(picture?.open));
    say(byId('picture-error'), picture?.state === 'failed' ? picture.error : '');
    this.#drawStage(picture, output);
    this.#editor.use(output && !picture.portrait ? picture.result : null);
    this.#drawEditing();
    this.#drawFacts(picture);
    this.#faces.show(picture, this.#selected ?? (picture?.portrait ? 0 : null));
    this.#placeNumbers();
    say(byId('chips-words'), chipsWords(picture));
    byId('numbers').disabled = !output || picture.portrait || !picture.result.faces.length;
    byId('save-png').disabled = byId('save-jpeg').disabled = !output;
  }

  #drawStage(picture, output) {
    const frame = byId('frame');
    const after = byId('after');
    frame.hidden = byId('zoom').hidden = !output;
    say(byId('stage-words'), output ? '' : emptyWords(picture));
    if (!output) {
      after.removeAttribute('src');
      return;
    }
    const { width, height, faces } = picture.result;
    this.#zoom.use(picture.portrait ? 1 : width / height);
    if (after.src !== output.url) after.src = output.url;
    after.alt = `${picture.name}, anonymized, ${count(faces.length, 'face')}`;
  }

  /** While faces are edited, the original is put away and every face can be reached. */
  #drawEditing() {
    const picture = this.#picture;
    const { editing } = this.#editor;
    const compared = this.#output() && !picture.secret && !picture.portrait && !editing;
    this.#compare.use(compared ? picture.file : null);
    byId('boxes').hidden = !(byId('numbers').checked || editing) || Boolean(picture?.portrait);
    byId('boxes').inert = !editing;
  }

  #light(event) {
    if (this.#showsScene()) this.#faces.light(...this.#place(event));
  }

  /** A click on a face is one on its card. */
  #click(event) {
    const at = this.#showsScene() ? this.#faces.at(...this.#place(event)) : -1;
    if (at >= 0) this.#select(at);
  }

  #showsScene() {
    return Boolean(this.#output()) && !this.#picture.portrait;
  }

  /** Where in the picture, in its pixels. */
  #place({ clientX, clientY }) {
    const { left, top, width, height } = byId('frame').getBoundingClientRect();
    const { result } = this.#picture;
    return [((clientX - left) / width) * result.width, ((clientY - top) / height) * result.height];
  }

  #placeNumbers() {
    if (!this.#showsScene()) return;
    const { result } = this.#picture;
    const { clientWidth: w, clientHeight: h } = byId('frame');
    this.#faces.number(numberPlaces(result.faces, result, { w, h }));
  }

  #drawFacts(picture) {
    const result = picture?.result;
    byId('seed-again').hidden = !result;
    byId('redo').hidden = !picture;
    say(byId('facts'), result
      ? `Seed ${result.seed} · ${result.width} × ${result.height} · ${modeWords(picture.drawnWith)}`
      : '');
    const warning = result ? warningOf(picture) : '';
    byId('look').hidden = !warning;
    say(byId('look'), warning);
  }

  #select(at) {
    const { portrait, result } = this.#picture;
    this.#selected = this.#selected === at && !portrait ? null : at;
    this.#draw();
    if (this.#selected === null || portrait) this.#zoom.fit();
    else this.#zoom.lookAt(result.faces[at].box_xyxy, result);
  }

  #output() {
    const outputs = this.#picture?.outputs ?? [];
    return outputs[this.#picture?.portrait ? this.#selected ?? 0 : 0] ?? null;
  }

  #savePng() {
    const { blob, name } = this.#output();
    save(blob, name);
  }

  async #saveJpeg() {
    const { blob, name } = this.#output();
    try {
      save(await asJpeg(blob), name.replace(/\.png$/, '.jpg'));
    } catch {
      say(byId('picture-error'), 'Too large for this browser to turn into a JPEG: save the PNG.');
    }
  }
}

function emptyWords(picture) {
  if (!picture) return '';
  if (picture.open) return 'On its way';
  if (picture.state === 'failed') return ''; // the error tells
  if (picture.withheld) return 'No face was found, so the picture is not shown';
  return 'No face was found';
}

function chipsWords(picture) {
  const faces = picture?.result?.faces ?? [];
  if (!faces.length) return '';
  const what = picture.portrait ? 'Choose one to see its head.' : 'Choose one to look at it closely.';
  return `${count(faces.length, 'face')}, the largest first. ${what}`;
}

function modeWords({ mode, privacy }) {
  return `${mode === 'portrait' ? 'Portrait' : 'Scene'}, privacy ${privacy}`;
}

function warningOf(picture) {
  const { faces } = picture.result;
  if (picture.withheld) return 'Take another one, nearer and in more light.';
  if (!faces.length) return 'No face was found, so nothing was changed. Look whether there is one.';
  const kept = faces.filter((face) => face.outcome === 'kept').length;
  return kept ? `${count(kept, 'face')} kept as asked: this picture shows who it is.` : '';
}

async function asJpeg(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext('2d', { alpha: false });
  context.fillStyle = 'white'; // JPEG knows no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((jpeg) => (jpeg ? resolve(jpeg) : reject(new Error('no JPEG'))),
      'image/jpeg', JPEG_QUALITY);
  });
}
