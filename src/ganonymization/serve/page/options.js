// Settings as the forms hold them.

const SEED_PROBLEM = `A seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`;

/** The settings of a form by name. Throws an error in words where the seed makes no sense. */
export function optionsOf(form) {
  const options = Object.fromEntries(new FormData(form));
  if ('seed' in options) {
    options.seed = options.seed.trim();
    if (options.seed && !isSeed(options.seed)) {
      form.elements.seed.focus();
      throw new Error(SEED_PROBLEM);
    }
  }
  return options;
}

/** Show at once whether the seed can be used, and keep Enter from leaving the page. */
export function watchOptions(form) {
  form.addEventListener('submit', (event) => event.preventDefault());
  const seed = form.elements.seed;
  seed?.addEventListener('input', () => {
    const text = seed.value.trim();
    seed.setCustomValidity(text && !isSeed(text) ? SEED_PROBLEM : '');
  });
}

/** A seed that nobody can guess, exact in JSON. */
export function freshSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
}

function isSeed(text) {
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}
