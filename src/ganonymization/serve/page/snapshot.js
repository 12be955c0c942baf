// A picture taken with the camera for the Picture tab. What one aims with is anonymized as well.

import { byId } from './dom.js';
import { Live } from './live.js';
import { freshSeed } from './options.js';

/** Resolves with a JPEG file, or null where nothing was taken. */
export async function takeSnapshot() {
  const dialog = byId('take');
  const now = byId('take-now');
  const words = byId('take-words');
  words.textContent = 'Connecting';
  const live = new Live(byId('take-canvas'), words, {
    onChange: () => { now.disabled = !live.running; },
  });
  const done = new AbortController();
  const listen = (element, event, run) => {
    element.addEventListener(event, run, { signal: done.signal });
  };
  let snapshot = null;
  listen(now, 'click', async () => {
    snapshot = await live.snapshot();
    dialog.close();
  });
  listen(byId('take-cancel'), 'click', () => dialog.close());
  const closed = new Promise((resolve) => { listen(dialog, 'close', resolve); });
  dialog.showModal();
  live.start('', { seed: freshSeed() }).catch((error) => live.finder.panel(error.message));
  await closed;
  done.abort();
  live.stop();
  return snapshot && new File([snapshot], `camera-${stamp()}.jpg`, { type: 'image/jpeg' });
}

/** The time as it may stand in a file's name. */
export function stamp(now = new Date()) {
  const two = (number) => String(number).padStart(2, '0');
  return [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate()), '-',
    two(now.getHours()), two(now.getMinutes()), two(now.getSeconds())].join('');
}
