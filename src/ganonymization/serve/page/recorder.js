// A recording of a canvas, without sound.

const TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm'];
const EVERY_MS = 1000; // handed over so often, so that little is lost
const BITS_PER_S = 4_000_000;

/** Whether this browser can record a canvas to WebM. */
export function canRecord() {
  return Boolean(typeOf());
}

/** Start to record. `stop()` of what is returned resolves with a WebM blob. */
export function record(canvas) {
  const stream = canvas.captureStream();
  const recorder = new MediaRecorder(stream, {
    mimeType: typeOf(), videoBitsPerSecond: BITS_PER_S,
  });
  const parts = [];
  const started = performance.now();
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const stopped = new Promise((resolve) => {
    recorder.addEventListener('stop', () => {
      stream.getTracks().forEach((track) => track.stop());
      resolve(new Blob(parts, { type: 'video/webm' }));
    });
  });
  recorder.start(EVERY_MS);
  return {
    get seconds() {
      return Math.floor((performance.now() - started) / 1000);
    },
    stop() {
      recorder.stop();
      return stopped;
    },
  };
}

function typeOf() {
  if (!globalThis.MediaRecorder || !HTMLCanvasElement.prototype.captureStream) return undefined;
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type));
}
