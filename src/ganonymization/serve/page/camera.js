// The Camera tab.

import { byId, make, save, say, size } from './dom.js';
import { Live } from './live.js';
import { Meter } from './meter.js';
import { freshSeed, optionsOf, watchOptions } from './options.js';
import { canRecord, record } from './recorder.js';
import { cameras } from './camera_device.js';
import { stamp } from './snapshot.js';

const METER_MS = 500;

/** The tab. */
export class Camera {
  #form = byId('camera-options');
  #canvas = byId('camera-canvas');
  #devices = byId('camera-device');
  #meter = new Meter();
  #live = new Live(this.#canvas, byId('camera-words'), {
    onChange: () => this.#draw(),
    onAnswer: (latencyMs) => this.#meter.add(latencyMs),
    onEnd: () => this.stop('The camera went away'),
  });
  #seed = freshSeed(); // kept over reconnections, so that the face stays the same
  #starting = false;
  #frozen = false;
  #recording = null;
  #recordingUrl = null;
  #ticking = 0;

  constructor() {
    watchOptions(this.#form);
    const click = (id, run) => byId(id).addEventListener('click', run);
    click('camera-start', () => this.#start(this.#devices.value));
    click('camera-stop', () => this.stop());
    click('camera-another', () => this.#another());
    click('camera-freeze', () => this.#freeze(!this.#frozen));
    click('camera-still', () => this.#saveSnapshot());
    click('camera-record', () => (this.#recording ? this.#stopRecording() : this.#record()));
    this.#form.addEventListener('change', ({ target }) => {
      if (target === this.#devices) this.#start(this.#devices.value);
      else this.#reconnect();
    });
    navigator.mediaDevices?.addEventListener('devicechange', () => {
      if (this.#live.running) this.#listCameras();
    });
    this.#draw();
  }

  /** Close the camera. */
  async stop(words) {
    this.#freeze(false);
    clearInterval(this.#ticking);
    if (this.#recording) await this.#stopRecording();
    this.#live.stop(words);
    this.#tick();
  }

  async #start(deviceId) {
    this.#freeze(false);
    this.#starting = true;
    this.#draw();
    try {
      if (!await this.#live.start(deviceId, this.#query())) return;
      await this.#listCameras();
      this.#meter.clear();
      clearInterval(this.#ticking);
      this.#ticking = setInterval(() => this.#tick(), METER_MS);
    } catch (error) {
      this.#live.finder.panel(error.message);
    } finally {
      this.#starting = false;
      this.#draw();
    }
  }

  #query() {
    const { view, mode, privacy } = optionsOf(this.#form);
    return { view, mode, privacy, seed: this.#seed };
  }

  #reconnect() {
    this.#freeze(false);
    this.#meter.clear();
    this.#live.change(this.#query());
  }

  #another() {
    this.#seed = freshSeed();
    this.#reconnect();
  }

  async #listCameras() {
    const list = await cameras();
    this.#devices.replaceChildren(
      ...list.map(({ id, name }) => make('option', { value: id }, name)));
    this.#devices.value = this.#live.deviceId;
    this.#devices.disabled = list.length === 0;
  }

  #freeze(on) {
    this.#frozen = on && this.#live.finder.showing;
    this.#live.finder.freeze(this.#frozen);
    this.#draw();
  }

  #saveSnapshot() {
    if (!this.#live.finder.showing) return;
    this.#canvas.toBlob((blob) => save(blob, `camera-${stamp()}-anon.png`), 'image/png');
  }

  #record() {
    this.#live.finder.fixed = true; // players stumble over frames of another size
    this.#recording = record(this.#canvas);
    this.#draw();
    this.#tick();
  }

  async #stopRecording() {
    const recording = this.#recording;
    this.#recording = null;
    this.#live.finder.fixed = false;
    const blob = await recording.stop();
    if (this.#recordingUrl) URL.revokeObjectURL(this.#recordingUrl);
    this.#recordingUrl = URL.createObjectURL(blob);
    const link = byId('camera-recording');
    link.href = this.#recordingUrl;
    link.download = `camera-${stamp()}-anon.webm`;
    say(link, `Save recording, ${size(blob.size)}`);
    link.hidden = false;
    this.#draw();
    this.#tick();
  }

  #tick() {
    const { fps, latencyMs } = this.#live.running ? this.#meter.read() : {};
    say(byId('camera-fps'), fps ? fps.toFixed(1) : '–');
    say(byId('camera-latency'), latencyMs ? String(Math.round(latencyMs)) : '–');
    say(byId('camera-clock'), this.#recording ? clock(this.#recording.seconds) : '');
  }

  #draw() {
    const { running, finder } = this.#live;
    const busy = running || this.#starting;
    byId('camera-start').disabled = busy;
    byId('camera-stop').disabled = !busy;
    byId('camera-another').disabled = !running;
    byId('camera-live').hidden = !running;
    byId('camera-still').disabled = !finder.showing;
    const freeze = byId('camera-freeze');
    freeze.disabled = !finder.showing;
    freeze.setAttribute('aria-pressed', this.#frozen);
    say(freeze, this.#frozen ? 'Go on' : 'Freeze');
    byId('camera-badge').hidden = !this.#frozen;
    const button = byId('camera-record');
    button.disabled = !canRecord() || !(running || this.#recording);
    button.setAttribute('aria-pressed', Boolean(this.#recording));
    say(button, this.#recording ? 'Stop recording' : 'Record');
  }
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
