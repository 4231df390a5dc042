// Loudness of a local microphone track, for the meter in the lobby and on one's own tile.

/** One context for the whole page: browsers allow only a few. */
let shared: AudioContext | null = null;

function context(): AudioContext {
  shared ??= new AudioContext();
  // Chromium starts it suspended until the person has touched the page.
  if (shared.state === 'suspended') void shared.resume().catch(() => undefined);
  return shared;
}

export interface Meter {
  /** Loudness now, 0 to 1, on a scale that moves visibly for a normal voice. */
  level(): number;
  close(): void;
}

export function meterFor(track: MediaStreamTrack): Meter {
  const audio = context();
  const source = audio.createMediaStreamSource(new MediaStream([track]));
  const analyser = audio.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      if (audio.state === 'suspended') void audio.resume().catch(() => undefined);
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      return visible(Math.sqrt(sum / samples.length));
    },
    close() {
      source.disconnect();
    },
  };
}

/** Root mean square (0 to 1) to a meter's height: -54 dB is silence, -12 dB and louder is full. */
export function visible(rms: number): number {
  if (rms <= 0) return 0;
  const db = 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, (db + 54) / 42));
}
