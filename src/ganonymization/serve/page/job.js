// One job in the list: first its upload, then what the server tells of it.

import { count, make, say } from './dom.js';

const OPEN = ['queued', 'running'];
const THINGS = { zip: 'picture' }; // what is counted; frames otherwise
const MINUTE_S = 60;

/** Whether a job is still to be asked about. */
export function isOpen(job) {
  return OPEN.includes(job.state);
}

/** A row. Handlers: `onStop(row)` cancels or removes, `onSave(row)` downloads, `onLook(row)` shows. */
export class JobRow {
  job = null;
  seed = '';
  file = null; // the original, where this page sent it
  aborter = new AbortController(); // of the upload

  constructor(name, { onStop, onSave, onLook }) {
    this.name = make('span', { class: 'name', title: name, data: { testid: 'job-name' } }, name);
    this.words = make('span', { class: 'quiet', data: { testid: 'job-words' } });
    this.progress = make('progress', {
      max: 1, value: 0, 'aria-label': `Progress of ${name}`, data: { testid: 'job-progress' },
    });
    this.look = make('button', {
      type: 'button', class: 'small', data: { testid: 'job-look' }, click: () => onLook(this),
    }, 'Look');
    this.save = make('button', {
      type: 'button', class: 'main small', data: { testid: 'job-save' }, click: () => onSave(this),
    }, 'Save');
    this.stop = make('button', {
      type: 'button', class: 'small', data: { testid: 'job-stop' }, click: () => onStop(this),
    }, 'Cancel');
    this.element = make('li', { class: 'job', data: { testid: 'job' } },
      make('div', { class: 'summary' }, this.name, this.words), this.look, this.save, this.stop, this.progress);
    this.#draw('sending', 'Waiting', null);
  }

  /** How much of the file has been sent, 0 to 1. */
  sent(share) {
    this.#draw('sending', share < 1 ? `Sending, ${Math.round(100 * share)} %` : 'Sent', share);
  }

  busy(seconds) {
    this.#draw('sending', `The server is busy, again in ${seconds} s`, null);
  }

  /** It could not be sent. */
  failed(words) {
    this.#draw('failed', words, null);
  }

  /** How much of the result has come, 0 to 1. */
  got(share) {
    this.note(`Fetching, ${Math.round(100 * share)} %`);
  }

  /** What the server tells; `seed` is what the job was started with, where that is known. */
  update(job, seed = this.seed) {
    this.job = job;
    this.seed = seed;
    this.element.dataset.id = job.id;
    const words = seed && job.state === 'done' ? `${wordsOf(job)} Seed ${seed}.` : wordsOf(job);
    this.#draw(job.state, words, job.total && job.done ? job.done / job.total : undefined);
  }

  /** What there is to look at: "preview", "whole" or "". */
  get shows() {
    if (this.job?.state === 'done' && this.job.kind !== 'zip') return 'whole';
    return this.job?.state === 'running' && this.job.preview ? 'preview' : '';
  }

  /** Say something beside it, until the next update. */
  note(words) {
    say(this.words, words);
  }

  /** `share` is null where there is no progress, undefined where it is unknown. */
  #draw(state, words, share) {
    this.element.dataset.state = state;
    say(this.words, words);
    const moving = ['sending', 'queued', 'running'].includes(state);
    this.progress.classList.toggle('idle', !moving || share === null || state === 'queued');
    if (state === 'running' && share === undefined) this.progress.removeAttribute('value');
    else this.progress.value = share ?? 0;
    this.save.hidden = state !== 'done';
    this.look.hidden = !this.shows;
    say(this.look, this.shows === 'preview' ? 'First seconds' : 'Look');
    this.look.setAttribute('aria-label', `${this.look.textContent}: ${this.name.textContent}`);
    say(this.stop, moving ? 'Cancel' : 'Remove');
    this.stop.setAttribute('aria-label', `${this.stop.textContent} ${this.name.textContent}`);
    this.save.setAttribute('aria-label', `Save ${this.name.textContent}, anonymized`);
  }
}

function wordsOf(job) {
  const thing = THINGS[job.kind] ?? 'frame';
  switch (job.state) {
    case 'queued': return 'Waiting for its turn';
    case 'running':
      if (job.kind === 'video' && !job.done && !job.preview) return 'Drawing the first seconds';
      return job.total
        ? `${job.done} of ${count(job.total, thing)}` : `${count(job.done, thing)} so far`;
    case 'failed': return `Failed: ${job.error ?? 'the server does not say why'}`;
    case 'cancelled': return 'Cancelled';
    default: return `${count(job.done, thing)}, ${count(job.faces, 'face')}, ${job.filled} covered. `
      + `Kept for ${left(job.expires_s)}.`;
  }
}

function left(seconds) {
  return seconds < MINUTE_S ? 'less than a minute'
    : `${count(Math.round(seconds / MINUTE_S), 'minute')} more`;
}
