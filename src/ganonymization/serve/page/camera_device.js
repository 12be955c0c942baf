// The camera itself. Its picture goes into a video element and a canvas that are never put into
// the document, and from there as JPEG to the server.

const LONGEST_PX = 640;
const QUALITY = 0.8;
const SNAPSHOT_QUALITY = 0.95;
const REFUSED = {
  NotAllowedError: 'The camera was not allowed. Allow it beside the address, then start again.',
  NotFoundError: 'No camera was found.',
  NotReadableError: 'The camera is in use by another program.',
  OverconstrainedError: 'That camera is not there any more.',
};

/** A camera. Handlers: `onFrame()` for each new frame, `onEnd()` when it goes away. */
export class CameraDevice {
  deviceId = '';
  #video = document.createElement('video');
  #canvas = document.createElement('canvas');
  #stream = null;
  #handlers;
  #turn = 0; // of starts and stops, so that a late answer of an earlier one is not taken

  constructor(handlers) {
    this.#handlers = handlers;
    this.#video.muted = true;
    this.#video.playsInline = true;
  }

  /** Open a camera. Throws an error in words; resolves with false if stopped meanwhile. */
  async start(deviceId) {
    this.stop();
    const turn = this.#turn;
    try {
      const stream = await open(deviceId);
      if (turn === this.#turn) await this.#use(stream);
      else stream.getTracks().forEach((track) => track.stop());
    } catch (error) {
      // A stop in between makes play() fail, which is nobody's fault.
      if (turn === this.#turn) throw error;
    }
    return turn === this.#turn;
  }

  async #use(stream) {
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    this.deviceId = track.getSettings().deviceId ?? '';
    track.addEventListener('ended', () => {
      if (stream === this.#stream) this.#handlers.onEnd();
    });
    this.#video.srcObject = stream;
    await this.#video.play();
    this.#watch(stream);
  }

  /** Close the camera. */
  stop() {
    this.#turn += 1;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** The frame of this moment as JPEG for the server, or null. */
  frame() {
    return this.#jpeg(LONGEST_PX, QUALITY);
  }

  /** The frame of this moment in full size, or null. */
  snapshot() {
    return this.#jpeg(Infinity, SNAPSHOT_QUALITY);
  }

  #jpeg(longest, quality) {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!this.#stream || !width) return Promise.resolve(null);
    const scale = Math.min(1, longest / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const context = this.#canvas.getContext('2d', { alpha: false });
    context.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((resolve) => { this.#canvas.toBlob(resolve, 'image/jpeg', quality); });
  }

  #watch(stream) {
    const next = (run) => (this.#video.requestVideoFrameCallback
      ? this.#video.requestVideoFrameCallback(run) : requestAnimationFrame(run));
    const seen = () => {
      if (stream !== this.#stream) return;
      this.#handlers.onFrame();
      next(seen);
    };
    next(seen);
  }
}

async function open(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error('Browsers open cameras only for https:// and for http://localhost.');
  }
  const wanted = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: 'user' };
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false, video: { ...wanted, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (error) {
    throw new Error(REFUSED[error.name] ?? `The camera did not start: ${error.message}`);
  }
}

/** The cameras as `[{ id, name }]`. Named only once one has been allowed. */
export async function cameras() {
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
  return devices
    .filter(({ kind }) => kind === 'videoinput')
    .map(({ deviceId, label }, i) => ({ id: deviceId, name: label || `Camera ${i + 1}` }));
}
