// A client written from the API documents alone: Socket.IO events for signalling, mediasoup-client for media.
// It answers nothing but what the documents promise, so that it breaks when we do.
import { Device } from 'mediasoup-client';
import { io } from 'socket.io-client';

let socket;
let device;
let meetingId;
let ownId;
let transports = {};
let producers = new Map();
let consumers = new Map();
/** Everybody else's producers as announced, by id: what there is to consume once our transports stand. */
let announced = new Map();
/** Ids of producers we have asked for. */
let wanted = new Set();
/** Requests of one kind are answered by an event without a request id, so one runs after the other. */
let queue = Promise.resolve();
/** Data channels we opened, by id. */
let channels = new Map();
/** Data channels of others we receive, by the id of the subscription, and what came by them. */
let receptions = new Map();
let log = [];
/** When `join-meeting` was sent, on the page's clock. */
let joinSentAt = 0;
/** `udp` or `tcp`: a network that lets nothing else through, so candidates of the other are not even tried. */
let onlyProtocol;

/** Longer than any deadline of the server, so that its own refusal is what one reads. */
const ANSWER_DEADLINE_MS = 15_000;

/** Emits a request and waits for the event that answers it, or for `error`. */
function request(event, payload, answer) {
  const run = () =>
    new Promise((resolve, reject) => {
      const late = setTimeout(
        () => onError({ message: `no ${answer} within ${ANSWER_DEADLINE_MS} ms` }),
        ANSWER_DEADLINE_MS,
      );
      const done = (settle) => (value) => {
        clearTimeout(late);
        socket.off(answer, onAnswer);
        socket.off('error', onError);
        settle(value);
      };
      const onAnswer = done(resolve);
      const onError = done((refusal) => reject(new Error(`${event}: ${refusal.message}`)));
      socket.on(answer, onAnswer);
      socket.on('error', onError);
      socket.emit(event, payload);
    });
  const next = queue.then(run, run);
  queue = next.catch(() => {});
  return next;
}

async function connect({ url, token, transports: ways = ['websocket'] }) {
  socket = io(url, { auth: { token }, transports: ways, reconnectionDelay: 200, reconnectionDelayMax: 500 });
  socket.onAny((name, payload) => {
    log.push({ name, payload, at: performance.now() });
  });
  socket.on('connect', () => log.push({ name: 'connect', payload: {}, at: performance.now() }));
  socket.on('disconnect', (reason) =>
    log.push({ name: 'disconnect', payload: { reason }, at: performance.now() }),
  );
  socket.on('new-producer', (producer) => {
    if (producer.participantId === ownId) return;
    announced.set(producer.producerId, producer);
    consume(producer).catch((error) => console.error(`consume: ${error.message}`));
  });
  socket.on('producer-closed', ({ producerId }) =>
    withdraw((producer) => producer.producerId === producerId),
  );
  socket.on('participant-left', ({ participantId }) =>
    withdraw((producer) => producer.participantId === participantId),
  );
  socket.on('media-reset', () => withdraw(() => true));
  socket.on('meeting-ended', () => {
    closeMedia();
    announced = new Map();
  });
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
}

async function enter(user, password) {
  joinSentAt = performance.now();
  const joined = await request(
    'join-meeting',
    { meetingId, userId: user.id, userName: user.name, ...(password ? { meeting_password: password } : {}) },
    'meeting-joined',
  );
  ownId = joined.participantId;
  for (const { participantId, producers: theirs = [] } of joined.participants) {
    for (const producer of theirs) announced.set(producer.producerId, { ...producer, participantId });
  }
  return joined;
}

async function openTransport(direction, iceServers) {
  const made = await request('create-transport', { meetingId, direction }, 'transport-created');
  const options = {
    id: made.transportId,
    iceParameters: made.iceParameters,
    iceCandidates: made.iceCandidates.filter(({ protocol }) => !onlyProtocol || protocol === onlyProtocol),
    dtlsParameters: made.dtlsParameters,
    sctpParameters: made.sctpParameters,
    iceServers,
  };
  const transport =
    direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
  transport.on('connect', ({ dtlsParameters }, callback, errback) => {
    request('connect-transport', { transportId: transport.id, dtlsParameters }, 'transport-connected').then(
      callback,
      errback,
    );
  });
  transport.on('produce', ({ kind, rtpParameters, appData }, callback, errback) => {
    request('produce', { meetingId, kind, rtpParameters, source: appData.source }, 'produced').then(
      ({ producerId }) => callback({ id: producerId }),
      errback,
    );
  });
  transport.on('producedata', ({ sctpStreamParameters, label, protocol }, callback, errback) => {
    const payload = { transportId: transport.id, sctpStreamParameters, label, protocol };
    request('produce-data', payload, 'data-produced').then(
      ({ dataProducerId }) => callback({ id: dataProducerId }),
      errback,
    );
  });
  transports[direction] = transport;
  return transport;
}

async function openMedia(config) {
  device = new Device();
  await device.load({ routerRtpCapabilities: config.router_capabilities });
  await openTransport('send', config.ice_servers);
  await openTransport('recv', config.ice_servers);
  await Promise.all([...announced.values()].map(consume));
}

async function consume({ participantId, producerId, kind, source }) {
  if (!transports.recv || wanted.has(producerId)) return; // openMedia asks for all that were announced before
  wanted.add(producerId);
  const made = await request(
    'consume',
    {
      meetingId,
      producerParticipantId: participantId,
      producerId,
      kind,
      rtpCapabilities: device.rtpCapabilities,
    },
    'consumed',
  );
  const consumer = await transports.recv.consume({
    id: made.consumerId,
    producerId: made.producerId,
    kind: made.kind,
    rtpParameters: made.rtpParameters,
  });
  const element = document.createElement(kind);
  element.autoplay = true;
  element.muted = kind === 'video';
  element.srcObject = new MediaStream([consumer.track]);
  document.body.append(element);
  const about = { consumer, participantId, source, element };
  consumers.set(consumer.id, about);
  if (kind === 'video') {
    element.requestVideoFrameCallback((now) => {
      about.firstFrameMs = now - joinSentAt;
    });
  }
}

/** Forgets announced producers and what we receive of them. */
function withdraw(matches) {
  for (const [producerId, producer] of announced) if (matches(producer)) announced.delete(producerId);
  for (const [id, { consumer, participantId, element }] of consumers) {
    if (!matches({ producerId: consumer.producerId, participantId })) continue;
    consumer.close();
    element.remove();
    consumers.delete(id);
    wanted.delete(consumer.producerId);
  }
}

/** Ends what we send and receive; what others announced stays known. */
function closeMedia() {
  for (const { consumer, element } of consumers.values()) {
    consumer.close();
    element.remove();
  }
  consumers = new Map();
  wanted = new Set();
  for (const producer of producers.values()) producer.track?.stop();
  for (const transport of Object.values(transports)) transport.close();
  producers = new Map();
  channels = new Map();
  receptions = new Map();
  transports = {};
}

async function produce(track, source, options = {}) {
  const codec =
    options.codec &&
    device.recvRtpCapabilities.codecs.find((one) => one.mimeType.toLowerCase() === `video/${options.codec}`);
  if (options.codec && !codec) throw new Error(`this browser has no ${options.codec}`);
  const producer = await transports.send.produce({
    track,
    codec,
    encodings: options.encodings,
    codecOptions: track.kind === 'video' ? { videoGoogleStartBitrate: 2500 } : { opusDtx: false },
    appData: { source },
    stopTracks: true,
  });
  producers.set(source, producer);
  return producer.id;
}

/** The inbound stream's numbers of one consumer. */
async function numbers({ consumer, participantId, source, firstFrameMs }) {
  const report = await consumer.getStats();
  const stream = [...report.values()].find((stat) => stat.type === 'inbound-rtp');
  const codec = stream && report.get(stream.codecId);
  return {
    consumerId: consumer.id,
    producerId: consumer.producerId,
    participantId,
    source,
    kind: consumer.kind,
    /** From sending `join-meeting` to the first picture shown, in milliseconds. */
    firstFrameMs,
    mimeType: codec?.mimeType,
    framesDecoded: stream?.framesDecoded,
    frameWidth: stream?.frameWidth,
    frameHeight: stream?.frameHeight,
    totalAudioEnergy: stream?.totalAudioEnergy,
    packetsReceived: stream?.packetsReceived,
    packetsLost: stream?.packetsLost,
    freezeCount: stream?.freezeCount,
  };
}

/** Bytes that are only right in this order. */
const pattern = (size) => Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 255);

/** What came by a data channel, small enough to be told. */
function summary(message) {
  if (typeof message === 'string') {
    return { kind: 'text', size: message.length, text: message.slice(0, 100) };
  }
  const bytes = new Uint8Array(message);
  const wanted = pattern(bytes.length);
  return { kind: 'binary', size: bytes.length, intact: bytes.every((byte, index) => byte === wanted[index]) };
}

/** Resolves when one end of a data channel is open. */
const isOpen = (end) =>
  end.readyState === 'open' ? Promise.resolve() : new Promise((resolve) => end.once('open', resolve));

const fits = (payload, wanted) => Object.entries(wanted).every(([key, value]) => payload?.[key] === value);

window.client = {
  async join({ url, token, meetingId: id, user, password, media = true, transports: ways, protocol }) {
    meetingId = id;
    onlyProtocol = protocol;
    await connect({ url, token, transports: ways });
    const joined = await enter(user, password);
    if (media) await openMedia(joined.webrtcConfig);
    return joined;
  },

  /** Comes back after the connection or the media node was lost: joins again, with new transports. */
  async rejoin({ user }) {
    closeMedia();
    announced = new Map();
    queue = Promise.resolve();
    const joined = await enter(user);
    await openMedia(joined.webrtcConfig);
    return joined;
  },

  /** New transports in the meeting one is still in, as `media-reset` asks for. */
  async renewMedia() {
    const config = log.findLast(({ name }) => name === 'meeting-joined').payload.webrtcConfig;
    closeMedia();
    await openMedia(config);
  },

  async publish({ audio, video, codec, encodings }) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio, video });
    const made = {};
    for (const track of stream.getTracks()) {
      const source = track.kind === 'audio' ? 'microphone' : 'camera';
      made[source] = await produce(track, source, track.kind === 'video' ? { codec, encodings } : {});
    }
    return made;
  },

  async shareScreen() {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: 10 },
      preferCurrentTab: true,
    });
    return produce(stream.getVideoTracks()[0], 'screen');
  },

  async stopProducing(source) {
    const producer = producers.get(source);
    producer.close();
    producers.delete(source);
    await request('close-producer', { producerId: producer.id }, 'producer-closed');
  },

  /** Opens a data channel: `label`, and what mediasoup-client takes beside it. */
  async openChannel(options) {
    const channel = await transports.send.produceData(options);
    channels.set(channel.id, channel);
    await isOpen(channel);
    return channel.id;
  },

  /** Receives somebody's data channel; answers with what the server said of it. */
  async receiveChannel(dataProducerId) {
    const payload = { transportId: transports.recv.id, dataProducerId };
    const { dataConsumerId, participantId, ...made } = await request(
      'consume-data',
      payload,
      'data-consumed',
    );
    const consumer = await transports.recv.consumeData({ id: dataConsumerId, ...made });
    consumer.binaryType = 'arraybuffer';
    const reception = { consumer, messages: [], closed: false };
    consumer.on('message', (message) => reception.messages.push(summary(message)));
    consumer.on('close', () => {
      reception.closed = true;
    });
    receptions.set(dataConsumerId, reception);
    await isOpen(consumer);
    return { dataConsumerId, participantId, ...made };
  },

  /** Says text, or a pattern of so many bytes. */
  say(channelId, { text, bytes }) {
    channels.get(channelId).send(text ?? pattern(bytes));
  },

  /** Closes our end of a channel in the browser and tells the server nothing. */
  closeChannel: (channelId) => channels.get(channelId).close(),
  closeReception: (dataConsumerId) => receptions.get(dataConsumerId).consumer.close(),

  /** What came by a data channel, and whether it is over. */
  reception(dataConsumerId) {
    const { messages, closed } = receptions.get(dataConsumerId);
    return { messages, closed };
  },

  request: (event, payload, answer) => request(event, { meetingId, ...payload }, answer),
  emit: (event, payload) => {
    socket.emit(event, { meetingId, ...payload });
  },
  /** Emits with a callback and answers what came back. */
  ask: (event, payload) => socket.timeout(10_000).emitWithAck(event, { meetingId, ...payload }),

  receiving: () => Promise.all([...consumers.values()].map(numbers)),
  sendingCodecs: () =>
    RTCRtpSender.getCapabilities('video').codecs.map((codec) => codec.mimeType.toLowerCase()),
  findEvent: (name, wanted) =>
    log.find((event) => event.name === name && fits(event.payload, wanted))?.payload,
  countEvents: (name) => log.filter((event) => event.name === name).length,
  events: () => log.map(({ name, payload }) => ({ name, payload })),
  forgetEvents: () => {
    log = [];
  },
  connected: () => Boolean(socket?.connected),
  leave: async () => {
    await socket.timeout(10_000).emitWithAck('leave-meeting', { meetingId });
    closeMedia();
  },
};
