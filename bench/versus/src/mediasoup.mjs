// One mediasoup worker with one router, asked by lines of JSON: {method, data} in, {data} or {error} out, in order.
//
// node mediasoup.mjs <directory of the installation> <address to listen on>

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

const [, , directory, ip] = process.argv;
const mediasoup = createRequire(join(directory, 'package.json'))('mediasoup');

// More than a frame for everybody: what waits in a socket must not be what is compared.
const buffers = { sendBufferSize: 4 << 20, recvBufferSize: 4 << 20 };

const worker = await mediasoup.createWorker({ logLevel: 'error' });
worker.on('died', () => process.exit(1));
const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip, ...buffers }] });
const router = await worker.createRouter({
	mediaCodecs: [
		{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
		{ kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
	],
});
const transports = new Map();
const consumers = new Map();

const methods = {
	about: () => ({ version: mediasoup.version, capabilities: router.rtpCapabilities }),
	transport: async () => {
		const transport = await router.createWebRtcTransport({ webRtcServer, enableUdp: true, enableTcp: false });
		transports.set(transport.id, transport);
		const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
		return { id, iceParameters, iceCandidates, dtlsParameters };
	},
	connect: ({ transport, dtlsParameters }) => transports.get(transport).connect({ dtlsParameters }),
	produce: async ({ transport, kind, rtpParameters }) => {
		const producer = await transports.get(transport).produce({ kind, rtpParameters });
		return { id: producer.id };
	},
	consume: async ({ transport, producer }) => {
		const { rtpCapabilities } = router;
		const asked = { producerId: producer, rtpCapabilities, paused: true };
		const consumer = await transports.get(transport).consume(asked);
		consumers.set(consumer.id, consumer);
		return { id: consumer.id, kind: consumer.kind, rtpParameters: consumer.rtpParameters };
	},
	resume: ({ consumer }) => consumers.get(consumer).resume(),
};

for await (const line of createInterface({ input: process.stdin })) {
	let answer;
	try {
		const { method, data } = JSON.parse(line);
		answer = { data: (await methods[method](data)) ?? null };
	} catch (error) {
		answer = { error: String(error) };
	}
	process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
