// The sound of somebody at the door: two soft tones, made on the spot.

const TONES_HZ = [659, 880];
const EACH_S = 0.16;
const LOUDNESS = 0.08;

export function playKnock(): void {
  const context = new AudioContext();
  const end = context.currentTime + TONES_HZ.length * EACH_S;
  for (const [index, frequency] of TONES_HZ.entries()) {
    const from = context.currentTime + index * EACH_S;
    const loudness = new GainNode(context, { gain: 0 });
    loudness.gain.setValueAtTime(0, from);
    loudness.gain.linearRampToValueAtTime(LOUDNESS, from + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.001, from + EACH_S);
    const tone = new OscillatorNode(context, { type: 'sine', frequency });
    tone.connect(loudness).connect(context.destination);
    tone.start(from);
    tone.stop(from + EACH_S);
  }
  setTimeout(() => void context.close(), (end - context.currentTime) * 1_000 + 200);
}
