// Moving pictures of nobody: a head and shoulders on a canvas, and a screen with text on it.

const TONES = ['#f0c9a4', '#c98d63', '#8d5a3b', '#e3b08a', '#6b4330', '#f3d6bd', '#a86f4b'];
const SHIRTS = ['#2f6f8f', '#8a4f7d', '#c27a2c', '#3d7a4f', '#9a3f3f', '#44518f', '#57606a'];
const WALLS = [
  ['#dfe8e4', '#b9cdc6'],
  ['#efe3d3', '#d6bfa0'],
  ['#d8dfea', '#aebccd'],
  ['#e9dfe6', '#c9b3c3'],
  ['#e6e6da', '#c3c5ab'],
] as const;
const HAIR = ['#2b1d16', '#5a3b22', '#8b6a3e', '#191919', '#a5542f', '#6d6d6d'];
const FRAMES_PER_SECOND = 12;

export function face(seed: number): MediaStreamTrack {
  return filmed(640, 360, (context, seconds) => paintFace(context, seed, seconds));
}

/** One moment of a face, 640 by 360. */
export function paintFace(context: CanvasRenderingContext2D, seed: number, seconds: number): void {
  const [light, dark] = WALLS[seed % WALLS.length] ?? WALLS[0];
  const wall = context.createLinearGradient(0, 0, 640, 360);
  wall.addColorStop(0, light);
  wall.addColorStop(1, dark);
  context.fillStyle = wall;
  context.fillRect(0, 0, 640, 360);
  context.fillStyle = 'rgb(255 255 255 / 0.35)';
  context.fillRect(470 - (seed % 3) * 180, 40, 110, 150);
  const x = 320 + Math.sin(seconds * 0.7 + seed) * 10;
  const y = 178 + Math.sin(seconds * 1.3 + seed * 2) * 4;
  oval(context, x, 395, 170, 130, SHIRTS[seed % SHIRTS.length]);
  oval(context, x, y + 84, 34, 46, TONES[seed % TONES.length]);
  oval(context, x, y - 16, 84, 98, HAIR[seed % HAIR.length]);
  oval(context, x, y, 70, 86, TONES[seed % TONES.length]);
  if (seed % 2 === 0) oval(context, x, y - 66, 74, 34, HAIR[seed % HAIR.length]);
  const shut = Math.sin(seconds * 2.1 + seed * 5) > 0.985 ? 1 : 7;
  oval(context, x - 25, y - 8, 7, shut, '#2a1f1a');
  oval(context, x + 25, y - 8, 7, shut, '#2a1f1a');
  oval(context, x, y + 40, 20, 4 + Math.abs(Math.sin(seconds * 5 + seed)) * 7, '#8e3b36');
}

export function slides(): MediaStreamTrack {
  const lines = [
    'Where we are',
    '• Media path measured end to end',
    '• Late joiners see video at once',
    '• Next: bandwidth estimation',
  ];
  return filmed(1280, 720, (context, seconds) => {
    context.fillStyle = '#fbfaf6';
    context.fillRect(0, 0, 1280, 720);
    context.fillStyle = '#0b6a58';
    context.fillRect(0, 0, 14, 720);
    lines.forEach((line, index) => {
      context.fillStyle = index === 0 ? '#17201e' : '#41504b';
      context.font = `${index === 0 ? 700 : 400} ${index === 0 ? 64 : 36}px "Figtree Variable", sans-serif`;
      context.fillText(line, 90, index === 0 ? 170 : 210 + index * 76);
    });
    for (let bar = 0; bar < 9; bar++) {
      const height = 60 + bar * 18 + Math.sin(seconds + bar) * 8;
      context.fillStyle = bar === 8 ? '#d98a12' : '#9fcfc2';
      context.fillRect(800 + bar * 44, 640 - height, 30, height);
    }
  });
}

function oval(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  colour = '#888',
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.ellipse(x, y, width, height, 0, 0, Math.PI * 2);
  context.fill();
}

function filmed(
  width: number,
  height: number,
  draw: (context: CanvasRenderingContext2D, seconds: number) => void,
): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const [track] = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks();
  if (!context || !track) throw new Error('this browser cannot film a canvas');
  const frame = () => draw(context, performance.now() / 1_000);
  frame();
  setInterval(frame, 1_000 / FRAMES_PER_SECOND);
  return track;
}
