// The faces of the picture that is shown: a card each, and where it is.

import { confirmed } from './confirm.js';
import { make, say } from './dom.js';
import { kindOf } from './picture.js';
import { Thumbnails } from './thumbnails.js';

const WORDS = { new: 'New face', kept: 'Kept as it is', covered: 'Covered' };
const REASON = /^filled:\s*/;
const MANY = 6; // cards that show all their buttons; of more, the chosen one does
const THUMB_PX = 128;

/**
 * Cards below the picture and boxes over it. Cards stay the same elements from result to result,
 * so that the keyboard's focus stays on the action that was used.
 */
export class Faces {
  #chips;
  #boxes;
  #list = [];
  #thumbnails = new Thumbnails();
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
    this.#chips.classList.toggle('many', faces.length > MANY);
    this.#thumbnails.draw(picture?.result ?? null, this.#list.map((face) => face.thumb));
  }

  /** Light up the face at a place of the picture, in its pixels, and its card; or none. */
  light(x, y) {
    const at = this.at(x, y);
    this.#list.forEach((face, i) => face.light(i === at));
    if (at >= 0) this.#reveal(this.#list[at].chip);
  }

  /** Keep the face at a place of the picture, or take that back. */
  pick(x, y) {
    const at = this.at(x, y);
    if (at >= 0) this.#toggle(at);
  }

  /** Set the numbers in the picture, `[left, top]` in its pixels on the screen; null: none. */
  number(places) {
    this.#list.forEach((face, i) => face.number(places[i] ?? null));
  }

  /** The smallest face at a place; -1: none. */
  at(x, y) {
    const faces = this.#picture?.result?.faces ?? [];
    const holding = faces.map(({ box_xyxy: [left, top, right, bottom] }, i) => ({
      i, size: (right - left) * (bottom - top), here: left <= x && x < right && top <= y && y < bottom,
    })).filter(({ here }) => here);
    holding.sort((a, b) => a.size - b.size);
    return holding.length ? holding[0].i : -1;
  }

  /** Scroll the list of cards, and nothing else. */
  #reveal(chip) {
    const { top, bottom } = this.#chips.getBoundingClientRect();
    const card = chip.getBoundingClientRect();
    if (card.top < top || card.bottom > bottom) this.#chips.scrollTop += card.top - top;
  }

  #toggle(at) {
    if (this.#picture.secret) this.#list[at].head.focus();
    else this.#act(at, 'keep');
  }

  #add(at) {
    const face = new FaceChip(at, {
      onSelect: () => this.#onSelect(at),
      onAction: (what) => this.#act(at, what),
      onBox: () => this.#toggle(at),
      onFocus: () => this.#reveal(this.#list[at].chip),
    });
    this.#list.push(face);
    this.#chips.append(face.chip);
    this.#boxes.append(face.box, face.tag);
  }

  #drop() {
    const { chip, box, tag } = this.#list.pop();
    [chip, box, tag].forEach((element) => element.remove());
  }

  #clear() {
    while (this.#list.length) this.#drop();
  }

  async #act(at, what) {
    const picture = this.#picture;
    if (picture.open) return;
    const face = picture.result.faces[at];
    if (what === 'remove') {
      picture.removeFace(face);
      return;
    }
    if (picture.facesAsked.get(face.index) === what) {
      picture.askForFace(face, 'default');
      return;
    }
    if (what === 'keep' && !await confirmed({
      title: `Keep face ${face.index + 1} as it is?`,
      words: 'This person will be recognised in the picture that you save. Keep only faces of '
        + 'people who agreed.',
      yes: 'Keep this face',
    })) return;
    picture.askForFace(face, what);
  }
}

class FaceChip {
  constructor(at, { onSelect, onAction, onBox, onFocus }) {
    const action = (what, words) => make('button', {
      type: 'button', class: 'small', data: { testid: `chip-${what}` }, click: () => onAction(what),
    }, words);
    this.mark = make('span', { class: 'number' }, String(at + 1));
    this.words = make('span', { class: 'outcome', data: { testid: 'chip-outcome' } });
    this.thumb = make('canvas', {
      class: 'thumb', width: THUMB_PX, height: THUMB_PX, 'aria-hidden': 'true',
      data: { testid: 'chip-thumb' },
    });
    this.head = make('button', {
      type: 'button', class: 'head', data: { testid: 'chip-select' }, click: onSelect,
    }, this.thumb, make('span', { class: 'hidden-words' }, 'Face '), this.mark, this.words);
    this.another = action('another', 'Another face');
    this.keep = action('keep', 'Keep this one');
    this.fill = action('fill', 'Cover it');
    this.remove = action('remove', 'Remove it');
    const lights = {
      focusin: () => this.light(true),
      focusout: () => this.light(false),
    };
    this.box = make('button', {
      type: 'button', class: 'box', data: { testid: 'box' }, click: onBox,
      ...lights, focus: onFocus,
    });
    this.tag = make('span', { class: 'tag', data: { testid: 'tag' } });
    this.chip = make('li', {
      class: 'chip', data: { testid: 'chip', face: at }, ...lights,
      pointerenter: () => this.light(true),
      pointerleave: () => this.light(false),
    }, this.head,
    make('div', { class: 'row' }, this.another, this.keep, this.fill, this.remove));
  }

  /** Show its number at a place, or not. */
  number(place) {
    this.tag.hidden = place === null;
    if (place) [this.tag.style.left, this.tag.style.top] = place.map((value) => `${value}px`);
  }

  /** Make the face and its card stand out. */
  light(on) {
    this.box.classList.toggle('lit', on);
    this.chip.classList.toggle('lit', on);
  }

  update(face, picture, selected) {
    const kind = kindOf(face);
    const number = face.index + 1;
    const reason = face.outcome.replace(REASON, '');
    say(this.mark, String(number));
    say(this.tag, String(number));
    say(this.words, kind === 'covered' && reason ? `${WORDS[kind]}: ${reason}` : WORDS[kind]);
    this.chip.dataset.kind = kind;
    this.chip.setAttribute('aria-busy', picture.open);
    this.head.setAttribute('aria-pressed', selected);
    for (const button of [this.another, this.keep, this.fill, this.remove]) {
      button.setAttribute('aria-label', `${button.textContent}, face ${number}`);
      // Not `disabled`, which would take the focus away while the picture is on its way.
      button.setAttribute('aria-disabled', picture.open);
    }
    // A head alone is asked for as nobody's or not at all, and a camera's face is never shown.
    this.keep.hidden = picture.portrait || picture.secret;
    this.fill.hidden = picture.portrait;
    this.remove.hidden = !picture.isAdded(face);
    const asked = picture.facesAsked.get(face.index);
    this.keep.setAttribute('aria-pressed', asked === 'keep');
    this.fill.setAttribute('aria-pressed', asked === 'fill');
    place(this.box, face.box_xyxy, picture.result);
    const what = kind === 'kept' ? 'is kept: take that back' : 'keep it as it is';
    this.box.setAttribute('aria-label', picture.secret ? `Face ${number}` : `Face ${number}, ${what}`);
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
