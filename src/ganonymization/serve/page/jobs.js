// The Video tab: files are sent, jobs are watched, results are fetched.

import { deleteJob, jobPreview, jobResult, listJobs, startJob } from './api.js';
import { byId, save, say, stem } from './dom.js';
import { watchFiles } from './file_drop.js';
import { Film } from './film.js';
import { JobRow, isOpen } from './job.js';
import { freshSeed, optionsOf, watchOptions } from './options.js';
import { sample } from './sample.js';

const POLL_MS = 1000;
const TAKEN = new RegExp(
  '^video/|^image/gif$|^application/(x-)?zip'
  + '|\\.(mp4|m4v|mov|mkv|avi|webm|mpe?g|ts|gif|webp|zip)$', 'i');
const ENDINGS = { video: '.mp4', animation: '.webp', zip: '.zip' };
const KINDS = { video: 'Video', animation: 'Animation', zip: 'ZIP' };
const NOTES = 'ganonymization-jobs'; // names and seeds, which the server does not tell

/** The tab. */
export class Jobs {
  #form = byId('video-options');
  #list = byId('jobs');
  #rows = new Map(); // id -> row
  #film = new Film({ onClose: () => this.#showing(null) });
  #shown = null; // row
  #notes = JSON.parse(sessionStorage.getItem(NOTES) ?? '{}');
  #sending = Promise.resolve();
  #uploads = 0;
  #removed = new Set(); // ids that an answer on its way may still name
  #polling = false;
  #lost = false;

  constructor() {
    watchOptions(this.#form);
    watchFiles({
      zone: byId('video-drop'), input: byId('video-input'), button: byId('video-choose'),
      active: () => !byId('video').hidden, onFiles: (files) => this.#take(files),
    });
    byId('video-sample').addEventListener('click', () => this.#trySample());
  }

  /** Ask for the jobs, and again each second while one is open. */
  async watch() {
    if (this.#polling) return;
    this.#polling = true;
    let open = true;
    while (open) {
      const before = [...this.#rows.keys()];
      try {
        open = this.#show(await listJobs(), before);
        if (this.#lost) this.#problem('');
        this.#lost = false;
      } catch (error) {
        this.#problem(`${error.message} Trying again.`);
        this.#lost = true;
      }
      if (open) await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    }
    this.#polling = false;
  }

  /** Put originals out of sight, for the tab is left. */
  leave() {
    this.#film.cover();
  }

  async #trySample() {
    try {
      this.#take([await sample('sample.mp4')]);
    } catch (error) {
      this.#problem(error.message);
    }
  }

  #take(files) {
    let options;
    try {
      options = optionsOf(this.#form);
    } catch (error) {
      this.#problem(error.message);
      return;
    }
    const [good, bad] = [files.filter(takes), files.filter((file) => !takes(file))];
    this.#problem(bad.length
      ? `Left out: ${bad.map(({ name }) => name).join(', ')}. Pictures go to the Picture tab.` : '');
    good.forEach((file) => this.#queue(file, options));
  }

  #queue(file, options) {
    const row = this.#addRow(file.name);
    row.file = file;
    // One upload after the other: together none would be ready sooner.
    this.#sending = this.#sending.then(() => this.#send(row, file, options));
  }

  async #send(row, file, options) {
    const { signal } = row.aborter;
    if (signal.aborted) return;
    // The server reports no seed of a job, so one is drawn here and shown.
    const seed = options.seed || String(freshSeed());
    this.#uploads += 1;
    try {
      const job = await startJob(file, { ...options, seed, preview: true }, {
        signal, onSent: (share) => row.sent(share), onBusy: (seconds) => row.busy(seconds),
      });
      this.#remember(job.id, { name: file.name, seed });
      this.#adopt(row, job);
    } catch (error) {
      if (!signal.aborted) row.failed(error.message);
    } finally {
      this.#uploads -= 1;
    }
    this.watch();
  }

  /** Show what the server knows; `before` are the ids that were shown when it was asked. */
  #show(jobs, before) {
    const known = new Set(jobs.map(({ id }) => id));
    for (const job of jobs) {
      const row = this.#rows.get(job.id);
      if (row) this.#update(row, job);
      // An unknown job may be the upload on its way, which has its row already.
      else if (!this.#uploads && !this.#removed.has(job.id)) {
        this.#adopt(this.#addRow(this.#nameOf(job)), job);
      }
    }
    for (const id of before) {
      if (!known.has(id) && this.#rows.has(id)) this.#drop(this.#rows.get(id));
    }
    return jobs.some(isOpen);
  }

  #adopt(row, job) {
    this.#rows.set(job.id, row);
    this.#update(row, job);
  }

  #update(row, job) {
    const before = row.job;
    const shows = row.shows;
    row.update(job, this.#notes[job.id]?.seed);
    if (row.file && row.shows !== shows) this.#more(row);
    if (before && isOpen(before) && !isOpen(job)) {
      say(byId('video-status'), `${this.#nameOf(job)}: ${job.state}`);
    }
  }

  #addRow(name) {
    const row = new JobRow(name, {
      onStop: (stopped) => this.#stop(stopped),
      onSave: (saved) => this.#save(saved),
      onLook: (looked) => this.#look(looked),
    });
    this.#list.prepend(row.element);
    return row;
  }

  async #stop(row) {
    if (!row.job) {
      row.aborter.abort();
      this.#drop(row);
      return;
    }
    try {
      await deleteJob(row.job.id);
      if (!isOpen(row.job)) {
        this.#removed.add(row.job.id);
        this.#drop(row);
      }
    } catch (error) {
      row.note(error.message);
    }
    this.watch();
  }

  #drop(row) {
    if (row.element.contains(document.activeElement)) byId('video-choose').focus();
    row.element.remove();
    if (row.job) this.#rows.delete(row.job.id);
    if (row === this.#shown) this.#close();
  }

  /** There is more of it to look at: show it, unless that would be in the way. */
  #more(row) {
    if (!row.shows) {
      if (row === this.#shown) this.#close(); // cancelled, or failed
    } else if (!this.#film.used) this.#look(row);
    else if (row === this.#shown) this.#film.note('All of it is done: Look shows it.');
  }

  async #look(row) {
    const { id } = row.job;
    const preview = row.shows === 'preview';
    this.#showing(row);
    try {
      const blob = await (preview ? jobPreview(id)
        : jobResult(id, { onGot: (share) => row.got(share) }));
      if (row !== this.#shown) return;
      row.update(row.job);
      const name = this.#nameOf(row.job);
      this.#film.show({
        title: preview ? `${name}: its first seconds` : name, blob, file: row.file,
        note: preview ? 'The rest is still being drawn, with the same faces.' : '',
      });
    } catch (error) {
      row.note(error.message);
    }
  }

  #close() {
    this.#film.close();
    this.#showing(null);
  }

  #showing(row) {
    this.#shown?.element.classList.remove('shown');
    this.#shown = row;
    row?.element.classList.add('shown');
  }

  async #save(row) {
    const { id, kind } = row.job;
    const name = `${stem(this.#nameOf(row.job))}-anon${ENDINGS[kind] ?? ''}`;
    try {
      save(await jobResult(id, { onGot: (share) => row.got(share) }), name);
      row.update(row.job);
    } catch (error) {
      row.note(error.message);
    }
  }

  #nameOf(job) {
    return this.#notes[job.id]?.name ?? `${KINDS[job.kind] ?? 'Job'} ${job.id.slice(0, 6)}`;
  }

  #remember(id, note) {
    this.#notes[id] = note;
    sessionStorage.setItem(NOTES, JSON.stringify(this.#notes));
  }

  #problem(words) {
    say(byId('video-error'), words);
  }
}

function takes({ name, type }) {
  return TAKEN.test(type) || TAKEN.test(name);
}
