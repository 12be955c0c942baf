// The list of pictures: one row each, with how far it is.

import { make, say } from './dom.js';

/** The rows. Handlers: `onSelect(picture)`, `onRemove(picture)`. */
export class Queue {
  #list;
  #handlers;
  #rows = new Map();

  constructor(list, handlers) {
    this.#list = list;
    this.#handlers = handlers;
  }

  add(picture) {
    const row = new Row(picture, this.#handlers);
    this.#rows.set(picture, row);
    this.#list.append(row.element);
  }

  remove(picture) {
    this.#rows.get(picture)?.element.remove();
    this.#rows.delete(picture);
  }

  update(picture) {
    this.#rows.get(picture)?.update();
  }

  select(picture) {
    for (const [other, row] of this.#rows) row.current = other === picture;
  }

  focus(picture) {
    this.#rows.get(picture)?.focus();
  }
}

class Row {
  constructor(picture, { onSelect, onRemove }) {
    this.picture = picture;
    // Only ever the anonymized picture: the row is in sight while others are looked at.
    this.thumb = make('img', { class: 'thumb', alt: '', data: { testid: 'queue-thumb' } });
    this.words = make('span', { class: 'quiet', data: { testid: 'queue-words' } });
    this.progress = make('progress', {
      max: 1, 'aria-label': `Progress of ${picture.name}`, data: { testid: 'queue-progress' },
    });
    this.button = make('button', {
      type: 'button', class: 'pick', data: { testid: 'queue-select' }, click: () => onSelect(picture),
    }, this.thumb, make('span', { class: 'summary' },
      make('span', { class: 'name', title: picture.name, data: { testid: 'queue-name' } }, picture.name),
      this.words));
    const remove = make('button', {
      type: 'button', class: 'small cross', 'aria-label': `Remove ${picture.name}`,
      data: { testid: 'queue-remove' }, click: () => onRemove(picture),
    }, '✕');
    this.element = make('li', { id: picture.id, data: { testid: 'queue-item' } },
      this.button, remove, this.progress);
    this.update();
  }

  set current(on) {
    if (on) this.button.setAttribute('aria-current', 'true');
    else this.button.removeAttribute('aria-current');
  }

  focus() {
    this.button.focus();
  }

  update() {
    const { picture, progress } = this;
    this.element.dataset.state = picture.state;
    say(this.words, picture.words);
    this.words.title = picture.words; // it is cut off where it is long
    progress.classList.toggle('idle', !picture.open || picture.state === 'waiting');
    if (picture.state === 'working') progress.removeAttribute('value');
    else progress.value = picture.state === 'sending' ? picture.sent : 0;
    const [first] = picture.outputs;
    if (!first) this.thumb.removeAttribute('src');
    else if (this.thumb.src !== first.url) this.thumb.src = first.url;
  }
}
