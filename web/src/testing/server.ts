// A pretended server: one meeting, people who can be scripted, and links that can break. For unit tests and the demo.

import { NO_POLICY } from '../room/state';
import type { BreakoutRoomsTold, BreakoutRoomTold } from '../signaling/breakouts';
import type { Attachment } from '../signaling/chat';
import { NOT_CONNECTED, SignalingError } from '../signaling/errors';
import type {
  LinkState,
  MeetingJoined,
  PresentParticipant,
  RemoteProducer,
  RequestName,
  Requests,
  ServerEventName,
  ServerEvents,
  Signaling,
  WebrtcConfig,
} from '../signaling/events';
import type { Meeting } from '../signaling/meeting';
import type { Permissions, Role } from '../signaling/people';
import type { SecurityPolicy } from '../signaling/security';
import type { SessionStats } from '../signaling/stats';

const CONFIG: WebrtcConfig = { router_id: 'router', router_capabilities: {}, ice_servers: [] };

export class FakeServer {
  readonly meeting: Meeting;
  readonly people = new Map<string, PresentParticipant>();
  readonly links = new Set<FakeLink>();
  /** Files that lines refer to. */
  files = new Map<string, Attachment>();
  /** Whoever joins waits for somebody who lets them in. */
  waitingRoom = false;
  policy: SecurityPolicy = NO_POLICY;
  /** What `get-stats` says of people. */
  readonly measured = new Map<string, Partial<SessionStats>>();
  private rooms: BreakoutRoomTold[] = [];
  /** Every request in order of arrival, for assertions. */
  readonly heard: { name: RequestName; payload: object }[] = [];
  /** Refuses the next requests of a name with these words. */
  readonly refusals = new Map<RequestName, string>();
  private nextId = 1;

  constructor(meeting: Meeting) {
    this.meeting = meeting;
  }

  connect(userId: string): FakeLink {
    const link = new FakeLink(this, userId);
    this.links.add(link);
    return link;
  }

  id(prefix: string): string {
    return `${prefix}-${this.nextId++}`;
  }

  /** Somebody who needs no client: appears to everybody, with producers. */
  add(person: PresentParticipant): void {
    this.people.set(person.participantId, person);
    this.tell('participant-joined', person, person.participantId);
    for (const producer of person.producers ?? []) this.announce(person.participantId, producer);
  }

  announce(participantId: string, producer: RemoteProducer): void {
    this.tell('new-producer', { meetingId: this.meeting.id, participantId, ...producer }, participantId);
  }

  remove(participantId: string, reason: 'left' | 'disconnected' = 'left'): void {
    const person = this.people.get(participantId);
    if (!person) return;
    this.people.delete(participantId);
    this.tell('participant-left', { participantId, userName: person.userName, reason });
  }

  tell<N extends ServerEventName>(name: N, payload: ServerEvents[N], except?: string): void {
    for (const link of this.links) {
      if (link.participantId !== null && link.participantId !== except) link.deliver(name, payload);
    }
  }

  /** Joins, or puts at the door. */
  arrive(link: FakeLink, userId: string, userName: string): Partial<MeetingJoined> {
    if (!this.waitingRoom) return this.join(link, userId, userName);
    const participantId = this.id('waiting');
    link.waitsAs = participantId;
    const { id: meetingId } = this.meeting;
    link.deliver('waiting-room-joined', { meetingId, participantId, message: 'Waiting' });
    this.tell('join-request', { meetingId, participantId, userName });
    return {};
  }

  admit(link: FakeLink): void {
    link.waitsAs = null;
    this.join(link, link.user, 'Somebody');
  }

  /** Gives somebody another role, or single rights. */
  changeRole(participantId: string, role: Role, permissions: Partial<Permissions> = {}): void {
    const person = this.people.get(participantId);
    const old = person?.role ?? 'attendee';
    if (person) person.role = role;
    const { id: meetingId } = this.meeting;
    this.tell('participant-role-changed', {
      meetingId,
      participantId,
      old_role: old,
      new_role: role,
      permissions,
    });
  }

  setPolicy(change: Partial<SecurityPolicy>): void {
    this.policy = { ...this.policy, ...change };
    this.tell('security-policy-changed', { meetingId: this.meeting.id, securityPolicy: this.policy });
  }

  /** Opens breakout rooms with these people in them; an empty list closes them. */
  divide(
    rooms: (Partial<BreakoutRoomTold> & { roomId: string })[],
    more: Partial<BreakoutRoomsTold> = {},
  ): void {
    const plain = { description: null, capacity: null, allowChat: true, allowScreenShare: true };
    this.rooms = rooms.map((room) => ({ ...plain, name: room.roomId, participants: [], ...room }));
    const { id: meetingId } = this.meeting;
    const rest = { timeLimitAt: null, mayChoose: false, mayReturn: true, ...more };
    this.tell('breakout-rooms-changed', { meetingId, rooms: this.rooms, ...rest });
  }

  place(participantId: string, roomId: string | null): object {
    const name = this.rooms.find((room) => room.roomId === roomId)?.name ?? null;
    this.tell('breakout-assigned', { meetingId: this.meeting.id, participantId, roomId, name });
    return {};
  }

  join(link: FakeLink, userId: string, userName: string): MeetingJoined {
    const participants = [...this.people.values()];
    const participantId = this.id('participant');
    link.participantId = participantId;
    const person = {
      participantId,
      userId,
      userName,
      audio: true,
      video: true,
      screen: false,
      producers: [],
    };
    this.people.set(participantId, person);
    const { meeting, policy: securityPolicy } = this;
    const answer = { meeting, participantId, participants, webrtcConfig: CONFIG, securityPolicy };
    link.deliver('meeting-joined', answer);
    this.tell('participant-joined', person, participantId);
    return answer;
  }
}

export class FakeLink implements Signaling {
  link: LinkState = { state: 'connecting' };
  participantId: string | null = null;
  /** The id under which this link waits at the door. */
  waitsAs: string | null = null;
  private readonly server: FakeServer;
  private readonly userId: string;
  private readonly handlers = new Map<string, Set<(payload: never) => void>>();
  private readonly watchers = new Set<(link: LinkState) => void>();

  constructor(server: FakeServer, userId: string) {
    this.server = server;
    this.userId = userId;
  }

  connect(): void {
    this.become({ state: 'connected', resumed: false });
  }

  close(): void {
    this.lose('left');
    this.server.links.delete(this);
    this.watchers.clear();
  }

  /** The link breaks; `connect` brings it back. */
  lose(reason: 'left' | 'disconnected' = 'disconnected'): void {
    const { participantId } = this;
    this.participantId = null;
    if (participantId) this.server.remove(participantId, reason);
    this.become({ state: 'lost' });
  }

  /** The link breaks and comes back before anybody noticed (ADD-EV-18): the place in the meeting is kept. */
  drop(): void {
    this.become({ state: 'lost' });
  }

  resume(): void {
    this.become({ state: 'connected', resumed: true });
  }

  async request<N extends RequestName>(name: N, payload: Requests[N]['send']): Promise<Requests[N]['reply']> {
    if (this.link.state !== 'connected') throw new SignalingError('not connected', { code: NOT_CONNECTED });
    this.server.heard.push({ name, payload });
    const refusal = this.server.refusals.get(name);
    if (refusal) throw new SignalingError(refusal);
    return answers[name](this, this.server, payload);
  }

  on<N extends ServerEventName>(name: N, handler: (payload: ServerEvents[N]) => void): () => void {
    const all = this.handlers.get(name) ?? new Set();
    all.add(handler as (payload: never) => void);
    this.handlers.set(name, all);
    return () => all.delete(handler as (payload: never) => void);
  }

  onLink(handler: (link: LinkState) => void): () => void {
    this.watchers.add(handler);
    return () => this.watchers.delete(handler);
  }

  deliver<N extends ServerEventName>(name: N, payload: ServerEvents[N]): void {
    for (const handler of this.handlers.get(name) ?? []) handler(payload as never);
  }

  get user(): string {
    return this.userId;
  }

  private become(link: LinkState): void {
    this.link = link;
    for (const watcher of this.watchers) watcher(link);
  }
}

type Answers = {
  [N in RequestName]: (
    link: FakeLink,
    server: FakeServer,
    payload: Requests[N]['send'],
  ) => Requests[N]['reply'];
};

const nothing = () => ({});

const answers: Answers = {
  'join-meeting': (link, server, { userId, userName }) => server.arrive(link, userId, userName),
  'leave-meeting': (link, server) => {
    if (link.participantId) server.remove(link.participantId);
    link.participantId = null;
    return {};
  },
  'send-message': (link, server, { message, recipientType, recipientId, attachments }) => {
    const sender = server.people.get(link.participantId ?? '');
    const timestamp = new Date().toISOString();
    const sent = { id: server.id('line'), sender_id: link.user, sender_name: sender?.userName ?? '?' };
    const files = (attachments ?? []).flatMap(({ id }) => server.files.get(id) ?? []);
    const line = { ...sent, message, timestamp, recipientType, recipient_id: recipientId ?? null };
    server.tell('new-message', { message: { ...line, attachments: files } });
    return {};
  },
  typing: (link, server, { typing }) => {
    const userName = server.people.get(link.participantId ?? '')?.userName ?? '?';
    server.tell('user-typing', { userId: link.user, userName, typing }, link.participantId ?? undefined);
    return {};
  },
  'send-reaction': (link, server, { reaction }) => {
    const participantId = link.participantId ?? '';
    const userName = server.people.get(participantId)?.userName ?? '?';
    const timestamp = new Date().toISOString();
    server.tell('participant-reaction', { participantId, userName, reaction, timestamp, duration: 3 });
    return {};
  },
  'mute-participant': (_link, server, { participantId, mute }) => {
    const person = server.people.get(participantId);
    if (!person) return {};
    if (mute) person.audio = false;
    for (const link of server.links) {
      if (link.participantId === participantId) link.deliver('muted-by-host', { muted: mute });
    }
    server.tell('participant-media-updated', { ...person, screenSharing: person.screen });
    return {};
  },
  'toggle-recording': (link, server, { start }) => {
    server.tell('recording-status-changed', { recording: start, startedBy: link.user });
    return {};
  },
  'lower-hands': (_link, server) => {
    for (const { participantId, userName } of server.people.values()) {
      server.tell('hand-raised', {
        participantId,
        userName,
        raised: false,
        timestamp: new Date().toISOString(),
      });
    }
    return {};
  },
  'join-chat-rooms': (_link, _server, { roomIds }) => ({ rooms: roomIds }),
  'leave-chat-room': nothing,
  'chat-typing': nothing,
  'mark-messages-seen': nothing,
  'get-room-online-users': nothing,
  'raise-hand': (link, server, { raised, participantId: whose }) => {
    const participantId = whose ?? link.participantId ?? '';
    const userName = server.people.get(participantId)?.userName ?? '?';
    server.tell('hand-raised', { participantId, userName, raised, timestamp: new Date().toISOString() });
    return {};
  },
  'media-status-update': (link, server, { audio, video, screenSharing }) => {
    const person = server.people.get(link.participantId ?? '');
    if (!person) return {};
    Object.assign(person, {
      audio: audio ?? person.audio,
      video: video ?? person.video,
      screen: screenSharing ?? person.screen,
    });
    server.tell('participant-media-updated', { ...person, screenSharing: person.screen });
    return {};
  },
  'admit-participant': (_link, server, { participantId }) => {
    for (const link of server.links) if (link.waitsAs === participantId) server.admit(link);
    return {};
  },
  'deny-participant': nothing,
  'assign-breakout': (_link, server, { participantId, roomId }) => server.place(participantId, roomId),
  'choose-breakout': (link, server, { roomId }) => server.place(link.participantId ?? '', roomId),
  'return-from-breakout': (link, server) => server.place(link.participantId ?? '', null),
  'create-transport': (_link, server) => ({
    transportId: server.id('transport'),
    iceParameters: { usernameFragment: 'ufrag', password: 'password', iceLite: true },
    iceCandidates: [],
    dtlsParameters: { fingerprints: [] },
    sctpParameters: { port: 5000, maxSendMessageSize: 262_144, maxReceiveMessageSize: 262_144 },
  }),
  'connect-transport': nothing,
  produce: (link, server, { kind, source }) => {
    const producerId = server.id('producer');
    const producer = { producerId, kind, source };
    server.people.get(link.participantId ?? '')?.producers?.push(producer);
    if (link.participantId) server.announce(link.participantId, producer);
    return { producerId };
  },
  consume: (_link, server, { producerParticipantId, producerId, kind, source, paused }) => ({
    consumerId: server.id('consumer'),
    participantId: producerParticipantId,
    producerId,
    kind,
    source,
    paused,
    type: kind === 'video' ? 'simulcast' : 'simple',
    producerPaused: false,
    rtpParameters: { codecs: [] },
  }),
  'resume-consumer': nothing,
  'pause-consumer': nothing,
  'set-consumer-layers': nothing,
  'set-preferred-layers': nothing,
  'set-consumer-priority': nothing,
  'restart-ice': () => ({
    iceParameters: { usernameFragment: 'again', password: 'password', iceLite: true },
  }),
  'produce-data': (_link, server) => ({ dataProducerId: server.id('channel') }),
  'consume-data': (_link, server, { dataProducerId }) => ({
    dataConsumerId: server.id('reception'),
    dataProducerId,
    participantId: 'somebody',
    sctpStreamParameters: { streamId: 0, ordered: true },
    label: '',
    protocol: '',
  }),
  'close-data-consumer': nothing,
  'get-stats': (link, server, { participantId, transportId, consumerId }) => {
    const whose = participantId ?? link.participantId ?? '';
    const { transports = [], consumers = [], quality = null } = server.measured.get(whose) ?? {};
    const whole = transportId === undefined && consumerId === undefined;
    return {
      participantId: whose,
      quality,
      transports: transports.filter((one) => whole || one.transportId === transportId),
      consumers: consumers.filter((one) => whole || one.consumerId === consumerId),
    };
  },
  'close-producer': (link, server, { producerId }) => {
    const person = server.people.get(link.participantId ?? '');
    const producer = person?.producers?.find((one) => one.producerId === producerId);
    if (!person || !producer) return {};
    person.producers = person.producers?.filter((one) => one !== producer);
    const { participantId } = person;
    const meetingId = server.meeting.id;
    server.tell(
      'producer-closed',
      { meetingId, participantId, producerId, kind: producer.kind },
      participantId,
    );
    return {};
  },
};
