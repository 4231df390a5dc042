// Records what Chromium sends of a camera, packet by packet, into bench/captures (or the folder it is given): the media node
// is measured with them. One file for each codec and bitrate: microseconds since the first packet, RTP timestamp, bytes of
// the payload, and whether the packet ends its frame. Needs root, for the packets of the loopback interface.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../harness/browser.mjs';
import { Person, serveForeignPage } from '../harness/foreign.mjs';
import { Plenum } from '../harness/plenum.mjs';
import { liveMeeting } from '../harness/rest.mjs';
import { until } from '../harness/until.mjs';

const folder = process.argv[2] ?? join(import.meta.dirname, '../../../../bench/captures');
const SECONDS = 10;
const picture = { width: 1280, height: 720, frameRate: 30 };
const codecs = ['vp8', 'vp9', 'h264', 'av1'];
const kilobits = [500, 1500, 3000];

/** Coloured noise that drifts over a gradient: enough to code for 3 Mbit/s, and alike from frame to frame as faces are. */
function film(path) {
  const { width, height } = picture;
  const chunks = [Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`)];
  const noise = Buffer.alloc(width * height * 2);
  let state = 1;
  for (let at = 0; at < noise.length; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    noise[at] = (state >>> 16) % 40;
  }
  for (let frame = 0; frame < 30; frame += 1) {
    const luma = Buffer.alloc(width * height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const still = 60 + (((x >> 3) + (y >> 3)) % 100);
        luma[y * width + x] = still + noise[((y >> 2) * width + (x >> 2) + frame * 3) % noise.length];
      }
    }
    chunks.push(Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128));
  }
  writeFileSync(path, Buffer.concat(chunks));
}

/** Node has no raw sockets; Python, which the tests need anyway, does. */
const listener = `
import socket, struct, sys
port, seconds = int(sys.argv[1]), float(sys.argv[2])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
wire.bind(("lo", 0))
wire.setsockopt(socket.SOL_SOCKET, 35, 1)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
begin = None
while True:
    data, ancillary, _, source = wire.recvmsg(65536, 64)
    if source[2] != 0 or data[9] != 17:
        continue
    udp = (data[0] & 15) * 4
    if struct.unpack_from("!H", data, udp + 2)[0] != port:
        continue
    rtp = data[udp + 8:]
    if len(rtp) < 40 or rtp[0] >> 6 != 2 or 192 <= rtp[1] <= 223:
        continue
    header = 12 + 4 * (rtp[0] & 15)
    if rtp[0] & 16:
        header += 4 + 4 * struct.unpack_from("!H", rtp, header + 2)[0]
    seconds_at, nanos = struct.unpack("ll", ancillary[0][2][:16])
    at = seconds_at * 1000000 + nanos // 1000
    begin = at if begin is None else begin
    if at - begin > seconds * 1000000:
        break
    kind, stamp, ssrc = rtp[1] & 127, struct.unpack_from("!I", rtp, 4)[0], struct.unpack_from("!I", rtp, 8)[0]
    print(at - begin, stamp, len(rtp) - header - 16, rtp[1] >> 7, kind, ssrc, flush=False)
`;

/** What arrives at a port in the next seconds, of the stream with most packets. */
async function record(port) {
  const python = spawn('python3', ['-c', listener, String(port), String(SECONDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of python.stdout) text += chunk;
  const packets = text
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const streams = new Set(packets.map(([, , , , , ssrc]) => ssrc));
  const largest = [...streams]
    .map((ssrc) => packets.filter(([, , , , , of]) => of === ssrc))
    .sort((one, other) => other.length - one.length)[0];
  const [[begin]] = largest;
  return largest.map(([at, stamp, len, marker]) => `${at - begin},${stamp},${len},${marker}`);
}

/** The bitrate that the encoder aims at and the port its packets go to. */
function sending(person) {
  return person.page.evaluate(async () => {
    let [target, port] = [0, 0];
    for (const connection of window.peerConnections) {
      const stats = await connection.getStats();
      for (const stat of stats.values()) {
        if (stat.type !== 'outbound-rtp' || stat.kind !== 'video') continue;
        target = stat.targetBitrate ?? 0;
        const pair = stats.get(stats.get(stat.transportId).selectedCandidatePairId);
        port = stats.get(pair.remoteCandidateId).port;
      }
    }
    return { target, port };
  });
}

const temporary = mkdtempSync(join(tmpdir(), 'plenum-record-'));
const source = join(temporary, 'film.y4m');
film(source);
mkdirSync(folder, { recursive: true });
const foreign = await serveForeignPage();
const plenum = await Plenum.start({ env: { FRONTEND_URL: foreign.origin } });
const browser = await launch({ args: [`--use-file-for-fake-video-capture=${source}`] });
try {
  for (const codec of codecs) {
    for (const kilobit of kilobits) {
      const { meeting, people } = await liveMeeting(plenum);
      const [viewer, sender] = [
        await Person.open(browser, foreign.origin),
        await Person.open(browser, foreign.origin),
      ];
      await viewer.join(plenum, people.member, meeting.id);
      await sender.join(plenum, people.host, meeting.id);
      await sender.publish({
        audio: false,
        video: picture,
        codec,
        encodings: [{ maxBitrate: kilobit * 1000 }],
      });
      await viewer.sees(sender.participantId, { frames: 30 });
      const { port } = await until(`${codec} at ${kilobit} kbit/s`, 60_000, async () => {
        const now = await sending(sender);
        return now.target > kilobit * 900 && now;
      });
      const lines = await record(port);
      writeFileSync(
        join(folder, `${codec}-${kilobit}.csv`),
        `us,timestamp,payload_bytes,ends_frame\n${lines.join('\n')}\n`,
      );
      const bytes = lines.reduce((sum, line) => sum + Number(line.split(',')[2]), 0);
      console.log(
        `${codec} ${kilobit} kbit/s: ${lines.length} packets, ${Math.round((bytes * 8) / SECONDS / 1000)} kbit/s`,
      );
      await Promise.all([viewer.close(), sender.close()]);
    }
  }
} finally {
  await browser.close();
  await plenum.stop();
  foreign.close();
  rmSync(temporary, { recursive: true, force: true });
}
