// The page: three tabs, and where its pictures go.

import { Camera } from './camera.js';
import { byId, say } from './dom.js';
import { Jobs } from './jobs.js';
import { Pictures } from './pictures.js';
import { tabs } from './tabs.js';

const HERE = ['localhost', '127.0.0.1', '[::1]'];

if (!HERE.includes(location.hostname)) {
  say(byId('where'), `Pictures go to ${location.hostname} and no further.`);
}

const pictures = new Pictures();
const camera = new Camera();
const jobs = new Jobs();

tabs(byId('tabs'), (shown) => {
  if (shown !== 'picture') pictures.leave();
  if (shown !== 'video') jobs.leave();
});

// The first request also finds out whether the token is wanted, before a large file is sent.
jobs.watch();

window.addEventListener('pagehide', () => camera.stop());
