// A question before something that cannot be taken back, or that shows a face.

import { byId, say } from './dom.js';

/** Resolves with whether the user said yes; Escape says no. */
export function confirmed({ title, words, yes }) {
  const dialog = byId('ask');
  say(byId('ask-title'), title);
  say(byId('ask-words'), words);
  say(byId('ask-yes'), yes);
  return new Promise((resolve) => {
    const done = new AbortController();
    const listen = (element, event, run) => {
      element.addEventListener(event, run, { signal: done.signal });
    };
    listen(byId('ask-yes'), 'click', () => dialog.close('yes'));
    listen(byId('ask-no'), 'click', () => dialog.close('no'));
    listen(dialog, 'close', () => {
      if (dialog.open) return; // the last question's, which came late
      done.abort();
      resolve(dialog.returnValue === 'yes');
    });
    dialog.returnValue = 'no';
    dialog.showModal();
  });
}
