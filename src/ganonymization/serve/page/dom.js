// Small helpers for elements.

/** The element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element; `data` becomes data attributes, functions become listeners. */
export function make(tag, { data = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Set a text only where it changed, so that screen readers are not told the same twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Hand a file to the user. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make('a', { href: url, download: name }).click();
  // The browser reads the URL after the click; a minute is more than it needs to begin.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** "1 face", "2 faces". */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** "1.2 MB". */
export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** A file's name without its folder and ending. */
export function stem(name) {
  return name.replace(/^.*[/\\]/, '').replace(/(.)\.[^.]*$/, '$1') || 'picture';
}
