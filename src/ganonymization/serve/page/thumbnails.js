// Small pictures of new faces, cut out of the result.

const AROUND = 0.35; // of a box's longer side, on every side

/** Draws each face of a result into its canvas, once a result. */
export class Thumbnails {
  #drawn = null; // result

  /** `canvases` in the order of the result's faces. */
  async draw(result, canvases) {
    if (result === this.#drawn) return;
    this.#drawn = result;
    if (!result) return;
    const { picture, portraits, faces } = result;
    const blobs = picture ? [picture] : portraits;
    for (const [at, blob] of blobs.entries()) {
      const bitmap = await createImageBitmap(blob).catch(() => null);
      if (this.#drawn === result && bitmap) {
        if (picture) faces.forEach((face, i) => cut(canvases[i], bitmap, around(face.box_xyxy)));
        else if (canvases[at]) cut(canvases[at], bitmap, [0, 0, bitmap.width]);
      }
      bitmap?.close();
    }
  }
}

function around([left, top, right, bottom]) {
  const side = Math.max(right - left, bottom - top) * (1 + 2 * AROUND);
  return [(left + right - side) / 2, (top + bottom - side) / 2, side];
}

function cut(canvas, bitmap, [left, top, side]) {
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, left, top, side, side, 0, 0, canvas.width, canvas.height);
}
