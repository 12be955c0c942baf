// What is there to try at once; it comes from the server itself.

import { ServerError } from './api.js';

/** Resolves with a file of the page's own folder, to be sent like one of the user's. */
export async function sample(name) {
  const answer = await fetch(`/page/${name}`).catch(() => null);
  if (!answer?.ok) throw new ServerError('The sample did not come. Is the server running?');
  const content = await answer.blob();
  return new File([content], name, { type: content.type });
}
