// Reads arrays that tools/web_assets.py wrote: numbers in NAME.bin, their names and places in NAME.json.

const KINDS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
};

/** Bytes or an object of this origin; throws with the address when it is not there. */
export async function fetched(url, kind) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return kind === "json" ? answer.json() : answer.arrayBuffer();
}

/** The arrays of a bundle by name, each {shape, values}. */
export async function readBundle(stemUrl) {
  const [header, buffer] = await Promise.all([
    fetched(`${stemUrl}.json`, "json"),
    fetched(`${stemUrl}.bin`, "bytes"),
  ]);
  const named = {};
  for (const { name, type, shape, offset } of header.arrays) {
    const count = shape.reduce((product, side) => product * side, 1);
    named[name] = { shape, values: new KINDS[type](buffer, offset, count) };
  }
  return named;
}
