// Where a face's number stands: beside heads, and on none. Where there is no such place, nowhere.

const HAIR = 0.55; // of a box's height, above it
const SIDES = 0.3; // of its width, on each side
const CHIN = 0.15; // of its height
const GAP_PX = 2;
const HEIGHT_PX = 20;
const DIGIT_PX = 8;
const ROUND_PX = 12; // beside the digits

/**
 * Places of numbers, `[left, top]` in pixels of a frame of this size, or null.
 *
 * `faces` as the server tells them, of a picture of `width` by `height`; `frame` `{ w, h }`.
 */
export function numberPlaces(faces, { width, height }, { w, h }) {
  const heads = faces.map(({ box_xyxy: box }) => headOf(box, w / width, h / height));
  const taken = [];
  return heads.map((head, i) => {
    const wide = ROUND_PX + DIGIT_PX * String(faces[i].index + 1).length;
    const free = candidates(head, wide).find((place) => (
      place.left >= 0 && place.top >= 0 && place.right <= w && place.bottom <= h
      && ![...heads, ...taken].some((other) => meet(place, other))));
    if (!free) return null;
    taken.push(free);
    return [free.left, free.top];
  });
}

function headOf([left, top, right, bottom], across, down) {
  const [wide, high] = [(right - left) * across, (bottom - top) * down];
  return {
    left: left * across - SIDES * wide,
    top: top * down - HAIR * high,
    right: right * across + SIDES * wide,
    bottom: bottom * down + CHIN * high,
  };
}

/** Below the chin first, then beside the head, last above the hair. */
function candidates({ left, top, right, bottom }, wide) {
  const [x, y] = [(left + right - wide) / 2, (top + bottom - HEIGHT_PX) / 2];
  const [before, after] = [left - wide - GAP_PX, right + GAP_PX];
  return [
    [x, bottom + GAP_PX], [after, y], [before, y], [after, bottom - HEIGHT_PX],
    [before, bottom - HEIGHT_PX], [after, top], [before, top], [x, top - HEIGHT_PX - GAP_PX],
  ].map(([l, t]) => ({ left: l, top: t, right: l + wide, bottom: t + HEIGHT_PX }));
}

function meet(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
