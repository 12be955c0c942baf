// The faces of the picture that is shown: a chip each, and where it is.

import { confirmed } from './confirm.js';
import { make, say } from './dom.js';
import { kindOf } from './picture.js';

const WORDS = { new: 'New face', kept: 'Kept as it is', covered: 'Covered' };
const REASON = /^filled:\s*/;

/**
 * Chips below the picture and boxes over it. Chips stay the same elements from result to result,
 * so that the keyboard's focus stays on the action that was used.
 */
export class Faces {
  #chips;
  #boxes;
  #list = [];
  #picture = null;
  #onSelect;

  /** `onSelect(index)` where in portrait mode another head is to be shown. */
  constructor(chips, boxes, { onSelect }) {
    this.#chips = chips;
    this.#boxes = boxes;
    this.#onSelect = onSelect;
  }

  /** Show the faces of a picture, of which `selected` is the chosen one. */
  show(picture, selected) {
    if (picture !== this.#picture) this.#clear();
    this.#picture = picture;
    const faces = picture?.result?.faces ?? [];
    while (this.#list.length > faces.length) this.#drop();
    while (this.#list.length < faces.length) this.#add(this.#list.length);
    faces.forEach((face, i) => {
      this.#list[i].update(face, picture, i === selected);
    });
  }

  #add(at) {
    const face = new FaceChip(at, {
      onSelect: () => this.#onSelect(at),
      onAction: (what) => this.#act(at, what),
    });
    this.#list.push(face);
    this.#chips.append(face.chip);
    this.#boxes.append(face.box);
  }

  #drop() {
    const { chip, box } = this.#list.pop();
    chip.remove();
    box.remove();
  }

  #clear() {
    while (this.#list.length) this.#drop();
  }

  async #act(at, what) {
    const picture = this.#picture;
    if (picture.open) return;
    const { index } = picture.result.faces[at];
    if (picture.facesAsked.get(index) === what) {
      picture.askForFace(index, 'default');
      return;
    }
    if (what === 'keep' && !await confirmed({
      title: `Keep face ${index + 1} as it is?`,
      words: 'This person will be recognised in the picture that you save. Keep only faces of '
        + 'people who agreed.',
      yes: 'Keep this face',
    })) return;
    picture.askForFace(index, what);
  }
}

class FaceChip {
  constructor(at, { onSelect, onAction }) {
    const action = (what, words) => make('button', {
      type: 'button', class: 'small', data: { testid: `chip-${what}` }, click: () => onAction(what),
    }, words);
    this.number = make('span', { class: 'number' }, String(at + 1));
    this.words = make('span', { class: 'outcome', data: { testid: 'chip-outcome' } });
    this.head = make('button', {
      type: 'button', class: 'head', data: { testid: 'chip-select' }, click: onSelect,
    }, make('span', { class: 'hidden-words' }, 'Face '), this.number, this.words);
    this.another = action('another', 'Another face');
    this.keep = action('keep', 'Keep this one');
    this.fill = action('fill', 'Cover it');
    this.box = make('span', { class: 'box', data: { number: at + 1 } });
    this.chip = make('li', {
      class: 'chip', data: { testid: 'chip', face: at },
      pointerenter: () => this.box.classList.add('lit'),
      pointerleave: () => this.box.classList.remove('lit'),
      focusin: () => this.box.classList.add('lit'),
      focusout: () => this.box.classList.remove('lit'),
    }, this.head, make('div', { class: 'row' }, this.another, this.keep, this.fill));
  }

  update(face, picture, selected) {
    const kind = kindOf(face);
    const number = face.index + 1;
    const reason = face.outcome.replace(REASON, '');
    say(this.number, String(number));
    say(this.words, kind === 'covered' && reason ? `${WORDS[kind]}: ${reason}` : WORDS[kind]);
    this.chip.dataset.kind = kind;
    this.chip.setAttribute('aria-busy', picture.open);
    this.head.setAttribute('aria-pressed', selected);
    for (const button of [this.another, this.keep, this.fill]) {
      button.setAttribute('aria-label', `${button.textContent}, face ${number}`);
      // Not `disabled`, which would take the focus away while the picture is on its way.
      button.setAttribute('aria-disabled', picture.open);
    }
    // A head alone is asked for as nobody's or not at all, and a camera's face is never shown.
    this.keep.hidden = picture.portrait || picture.secret;
    this.fill.hidden = picture.portrait;
    const asked = picture.facesAsked.get(face.index);
    this.keep.setAttribute('aria-pressed', asked === 'keep');
    this.fill.setAttribute('aria-pressed', asked === 'fill');
    place(this.box, face.box_xyxy, picture.result);
    this.box.dataset.number = number;
    this.box.classList.toggle('chosen', selected);
  }
}

function place(box, [left, top, right, bottom], { width, height }) {
  const percent = (value, of) => `${(100 * value) / of}%`;
  box.style.left = percent(left, width);
  box.style.top = percent(top, height);
  box.style.width = percent(right - left, width);
  box.style.height = percent(bottom - top, height);
}
