// The server's token: asked for once the server has answered 401, kept until the tab is closed.

import { byId, say } from './dom.js';

const KEY = 'ganonymization-token';
let answer = null; // the promise of a token, while the field is shown

/** The token that requests carry, or ''. */
export function token() {
  return sessionStorage.getItem(KEY) ?? '';
}

/** Resolves once there is another token than `refused`, which the server did not take. */
export function otherToken(refused) {
  if (token() !== refused) return Promise.resolve();
  answer ??= ask(refused !== '').finally(() => { answer = null; });
  return answer;
}

/** The subprotocols that carry the token to a WebSocket, which cannot send headers. */
export function subprotocols() {
  // Without a token none are offered: a browser drops a connection that answers none of them.
  return token() ? ['ganonymization', `token.${base64url(token())}`] : [];
}

function ask(again) {
  const form = byId('token');
  const field = byId('token-field');
  say(byId('token-words'), again
    ? 'That token was refused. Look at the command that started the server.'
    : 'This server asks for its token. It stands in the command that started it.');
  form.hidden = false;
  field.focus();
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, field.value.trim());
      field.value = '';
      form.hidden = true;
      resolve();
    }, { once: true });
  });
}

function base64url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
