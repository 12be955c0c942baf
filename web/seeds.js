// Seeds of faces and the numbers drawn from them, the same as ganonymization/seeds.py:
//
// face seed   the first 8 bytes, little-endian, of SHA-256 of "{seed}\n{name}\n{index}" in UTF-8
// stream      SplitMix64 started at the face seed (Steele, Lea, Flood, OOPSLA 2014)
// uniform     u = (next >> 11) / 2**53
// normal      Box-Muller
//
// A face seed has 64 bits, so it is a BigInt.

const MASK_64 = (1n << 64n) - 1n;

/** A seed nobody can guess, 0 to 2**53 - 1. */
export function freshSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
}

/** The seed of face `index` of the picture `name`, a BigInt of 64 bits. */
export async function faceSeed(seed, name, index) {
  const text = new TextEncoder().encode(`${seed}\n${name}\n${index}`);
  const digest = await crypto.subtle.digest("SHA-256", text);
  return new DataView(digest).getBigUint64(0, true);
}

/** `count` numbers from N(0, 1), rounded to single precision as the package has them. */
export function style(seed, count) {
  const next = uniform(seed);
  const numbers = [];
  while (numbers.length < count) {
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    const angle = 2 * Math.PI * next();
    numbers.push(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  return Float32Array.from(numbers.slice(0, count));
}

/** SplitMix64 as numbers in [0, 1). */
function uniform(seed) {
  let state = seed & MASK_64;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & MASK_64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK_64;
    z ^= z >> 31n;
    return Number(z >> 11n) / 2 ** 53;
  };
}
