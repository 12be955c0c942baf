// ZIP files without compression: PNGs would not get smaller.

const LIMIT = 0xffffffff; // more needs ZIP64
const UTF8 = 0x0800;
const VERSION = 20;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** The CRC-32 of bytes. */
export function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** A ZIP of `[{ name, blob }]`, as a blob. Throws where it would be larger than 4 GB. */
export async function zip(files, now = new Date()) {
  const parts = [];
  const entries = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    const label = new TextEncoder().encode(name);
    const about = { crc, size: blob.size, label, offset, ...dosTime(now) };
    const head = localHeader(about);
    parts.push(head, label, blob);
    entries.push(centralHeader(about), label);
    offset += head.byteLength + label.byteLength + blob.size;
    if (offset > LIMIT) throw new Error('Too much for one ZIP: save the pictures one by one.');
  }
  const directory = entries.reduce((sum, part) => sum + part.byteLength, 0);
  const end = endOfDirectory(files.length, directory, offset);
  return new Blob([...parts, ...entries, end], { type: 'application/zip' });
}

/** Names that differ, the second `a.png` as `a-2.png`, also where letters differ in case alone. */
export function distinct(names) {
  const taken = new Set();
  return names.map((name) => {
    const [, start, ending] = /^(.*?)(\.[^.]*)?$/.exec(name);
    let free = name;
    for (let n = 2; taken.has(free.toLowerCase()); n += 1) free = `${start}-${n}${ending ?? ''}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

function localHeader({ crc, size, label, time, date }) {
  return fields([
    [4, 0x04034b50], [2, VERSION], [2, UTF8], [2, 0], [2, time], [2, date],
    [4, crc], [4, size], [4, size], [2, label.byteLength], [2, 0],
  ]);
}

function centralHeader({ crc, size, label, time, date, offset }) {
  return fields([
    [4, 0x02014b50], [2, VERSION], [2, VERSION], [2, UTF8], [2, 0], [2, time], [2, date],
    [4, crc], [4, size], [4, size], [2, label.byteLength], [2, 0], [2, 0],
    [2, 0], [2, 0], [4, 0], [4, offset],
  ]);
}

function endOfDirectory(count, size, offset) {
  return fields([
    [4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0],
  ]);
}

/** Little-endian numbers of 2 or 4 bytes. */
function fields(list) {
  const view = new DataView(new ArrayBuffer(list.reduce((sum, [width]) => sum + width, 0)));
  let at = 0;
  for (const [width, value] of list) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

function dosTime(now) {
  return {
    time: (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1),
    date: ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate(),
  };
}
