// What the server can be asked; see docs/service.md.

import { otherToken, subprotocols, token } from './token.js';

const BUSY_S = 2; // where the server does not say how long to wait
const LONGEST_WAIT_S = 60;

/** What the server answered instead of what was asked for, in one line. */
export class ServerError extends Error {}

/** Anonymize a picture. Resolves with the JSON of the docs, its pictures as blobs. */
export async function anonymize(file, { mode, privacy, seed, faces, boxes }, more) {
  const query = { mode, privacy, seed, faces, add_box: boxes, format: 'png' };
  const answer = await json('POST', '/v1/anonymize', { query, body: file, ...more });
  return {
    ...answer,
    picture: answer.picture ? blobOf(answer.picture) : null,
    portraits: answer.portraits.map(blobOf),
  };
}

/** Send a video, GIF or ZIP. Resolves with the job. */
export function startJob(file, query, more) {
  return json('POST', '/v1/jobs', { query, body: file, ...more });
}

/** The jobs that the server knows. */
export function listJobs() {
  return json('GET', '/v1/jobs');
}

/** Cancel a job that is open, remove one that is not. */
export async function deleteJob(id) {
  await patiently('DELETE', `/v1/jobs/${encodeURIComponent(id)}`, {});
}

/** A job's result, as a blob. No link to it: that could carry no token and no name of ours. */
export function jobResult(id, more) {
  return patiently('GET', `/v1/jobs/${encodeURIComponent(id)}/result`, more);
}

/** Resolves when the server is there and takes the token. */
export async function reachServer() {
  await listJobs();
}

/** A WebSocket to the camera. */
export function openCameraSocket(query) {
  const url = new URL(path('/v1/camera', query), location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, subprotocols());
  socket.binaryType = 'blob';
  return socket;
}

/** The first seconds of it, alike. */
export function jobPreview(id) {
  return patiently('GET', `/v1/jobs/${encodeURIComponent(id)}/preview`, {});
}

async function json(method, to, options) {
  return JSON.parse(await (await patiently(method, to, options ?? {})).text());
}

/** Ask until the server has time (429) and the token is right (401). Resolves with a blob. */
async function patiently(method, to, { query, body, signal, onSent, onGot, onBusy }) {
  for (;;) {
    const carried = token();
    const answer = await once(method, path(to, query), { body, carried, signal, onSent, onGot });
    if (answer.status >= 200 && answer.status < 300) return answer.content;
    if (answer.status === 401) {
      await otherToken(carried);
    } else if (answer.status === 429) {
      const seconds = waitOf(answer.retryAfter);
      onBusy?.(seconds);
      await pause(seconds, signal);
    } else {
      throw new ServerError(await errorOf(answer));
    }
    signal?.throwIfAborted();
  }
}

/** One request. XMLHttpRequest, for fetch does not tell how much of a body has been sent. */
function once(method, to, { body, carried, signal, onSent, onGot }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(method, to);
    request.responseType = 'blob';
    request.setRequestHeader('Accept', 'application/json');
    if (carried) request.setRequestHeader('Authorization', `Bearer ${carried}`);
    if (onSent) watch(request.upload, onSent);
    if (onGot) watch(request, onGot);
    request.addEventListener('load', () => resolve({
      status: request.status,
      retryAfter: request.getResponseHeader('Retry-After'),
      content: request.response,
    }));
    const lost = 'The server did not answer. Is it running, and is the file within its limits?';
    request.addEventListener('error', () => reject(new ServerError(lost)));
    request.addEventListener('abort', () => reject(signal.reason));
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body ?? null);
  });
}

function watch(transfer, onShare) {
  transfer.addEventListener('progress', ({ lengthComputable, loaded, total }) => {
    if (lengthComputable) onShare(loaded / total);
  });
}

function path(to, query = {}) {
  const given = Object.entries(query)
    .flatMap(([name, value]) => [value].flat().map((each) => [name, each]))
    .filter(([, value]) => value !== undefined && value !== '');
  return given.length ? `${to}?${new URLSearchParams(given)}` : to;
}

function waitOf(retryAfter) {
  const seconds = Number(retryAfter ?? BUSY_S);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), LONGEST_WAIT_S) : BUSY_S;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

async function errorOf({ status, content }) {
  try {
    const { error } = JSON.parse(await content.text());
    if (typeof error === 'string' && error) return asOnThePage(error);
  } catch {
    // Not from our server, or not whole: its status is all there is to tell.
  }
  return `The server answered ${status}.`;
}

/** Where the server names a route, the page names its tab. */
function asOnThePage(error) {
  const words = error.replace('/v1/jobs', 'the Video tab').replace('/v1/anonymize', 'the Picture tab');
  return words[0].toUpperCase() + words.slice(1);
}

/** A data URL's content. The page's policy lets scripts connect to no data URL, so no fetch. */
function blobOf(dataUrl) {
  const [head, base64] = dataUrl.split(',', 2);
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: head.slice(5).split(';')[0] });
}
