// The Socket.IO words of the server (KCS dialect with its additions), as types.
import type { types } from 'mediasoup-client';
import type { BreakoutRoomsTold } from './breakouts';
import type { Attachment, RecipientType } from './chat';
import type { ChatEvents, ChatRequests } from './chatEvents';
import type { WireLine } from './chatWire';
import type { ListedParticipant, Meeting } from './meeting';
import type { Permissions, Role } from './people';
import type { SecurityPolicy } from './security';
import type { SessionStats } from './stats';

export type Source = 'camera' | 'microphone' | 'screen' | 'screen-audio';
export type Kind = 'audio' | 'video';
export type Quality = 'excellent' | 'good' | 'fair' | 'poor';

export interface WebrtcConfig {
  router_id: string | null;
  router_capabilities: types.RtpCapabilities;
  ice_servers: RTCIceServer[];
}

export interface RemoteProducer {
  producerId: string;
  kind: Kind;
  source: Source;
  paused?: boolean;
}

/** Somebody's data channel. */
export interface RemoteChannel {
  dataProducerId: string;
  label: string;
  protocol: string;
}

export interface PresentParticipant {
  participantId: string;
  userId: string;
  userName: string;
  audio: boolean;
  video: boolean;
  screen: boolean;
  role?: Role;
  /** Of the one who arrives; the list at the door leaves them out, and the role says enough. */
  permissions?: Partial<Permissions>;
  handRaised?: boolean;
  raisedAt?: string | null;
  producers?: RemoteProducer[];
  dataProducers?: RemoteChannel[];
  /** Null until it was measured. */
  connectionQuality?: Quality | null;
}

export interface MeetingJoined {
  meeting: Meeting;
  participantId: string;
  participants: PresentParticipant[];
  webrtcConfig: WebrtcConfig;
  permissions?: Partial<Permissions>;
  role?: Role;
  recording?: { recording: boolean; startedBy: string | null };
  securityPolicy?: SecurityPolicy;
}

export interface TransportCreated {
  transportId: string;
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  dtlsParameters: types.DtlsParameters;
  sctpParameters: types.SctpParameters;
}

export interface Consumed {
  consumerId: string;
  producerId: string;
  participantId: string;
  kind: Kind;
  source: Source;
  paused: boolean;
  type: 'simple' | 'simulcast' | 'svc';
  producerPaused: boolean;
  rtpParameters: types.RtpParameters;
}

export interface DataConsumed extends RemoteChannel {
  dataConsumerId: string;
  participantId: string;
  sctpStreamParameters: types.SctpStreamParameters;
}

/** Why less of a track comes than was asked for. */
export type LayerLimit = 'bandwidth' | 'last-n';

export interface LayersChanged {
  consumerId: string;
  /** Null: nothing of it comes. */
  spatialLayer: number | null;
  limitedBy: LayerLimit | null;
}

interface InMeeting {
  meetingId: string;
}

interface OfProducer extends InMeeting {
  participantId: string;
  producerId: string;
  kind: Kind;
}

/** Client to server: what is sent, and what the acknowledgement carries besides `success`. */
export interface Requests extends ChatRequests {
  'join-meeting': {
    send: InMeeting & { userId: string; userName: string; meeting_password?: string };
    reply: Partial<MeetingJoined>;
  };
  'leave-meeting': { send: InMeeting; reply: object };
  'send-message': {
    send: InMeeting & {
      message: string;
      recipientType: RecipientType;
      recipientId?: string;
      attachments?: Pick<Attachment, 'id'>[];
    };
    reply: object;
  };
  typing: { send: InMeeting & { typing: boolean }; reply: object };
  'raise-hand': { send: InMeeting & { raised: boolean; participantId?: string }; reply: object };
  'lower-hands': { send: InMeeting; reply: object };
  'send-reaction': { send: InMeeting & { reaction: string }; reply: object };
  'mute-participant': { send: InMeeting & { participantId: string; mute: boolean }; reply: object };
  'toggle-recording': { send: InMeeting & { start: boolean }; reply: object };
  'media-status-update': {
    send: InMeeting & { audio?: boolean; video?: boolean; screenSharing?: boolean };
    reply: object;
  };
  'admit-participant': { send: InMeeting & { participantId: string }; reply: object };
  'deny-participant': { send: InMeeting & { participantId: string }; reply: object };
  /** Without a room: back to the main room. */
  'assign-breakout': { send: InMeeting & { participantId: string; roomId: string | null }; reply: object };
  'choose-breakout': { send: InMeeting & { roomId: string }; reply: object };
  'return-from-breakout': { send: InMeeting; reply: object };
  'create-transport': { send: InMeeting & { direction: 'send' | 'recv' }; reply: TransportCreated };
  'connect-transport': {
    send: { transportId: string; dtlsParameters: types.DtlsParameters };
    reply: object;
  };
  produce: {
    send: InMeeting & { kind: Kind; source: Source; rtpParameters: types.RtpParameters };
    reply: { producerId: string };
  };
  consume: {
    send: InMeeting & {
      producerParticipantId: string;
      producerId: string;
      kind: Kind;
      source: Source;
      paused: boolean;
      rtpCapabilities: types.RtpCapabilities;
    };
    reply: Consumed;
  };
  'resume-consumer': { send: { consumerId: string }; reply: object };
  'pause-consumer': { send: { consumerId: string }; reply: object };
  'set-consumer-layers': {
    send: { consumerId: string; spatialLayer: number; temporalLayer?: number };
    reply: object;
  };
  /** `width` and `height`: pixels it is shown at. Without a layer: the largest. */
  'set-preferred-layers': {
    send: { consumerId: string; spatialLayer?: number; width?: number; height?: number };
    reply: object;
  };
  'set-consumer-priority': { send: { consumerId: string; priority: number }; reply: object };
  'restart-ice': { send: { transportId: string }; reply: { iceParameters: types.IceParameters } };
  'close-producer': { send: { producerId: string }; reply: object };
  'produce-data': {
    send: {
      transportId: string;
      sctpStreamParameters: types.SctpStreamParameters;
      label?: string;
      protocol?: string;
    };
    reply: { dataProducerId: string };
  };
  'consume-data': { send: { transportId: string; dataProducerId: string }; reply: DataConsumed };
  'close-data-consumer': { send: { dataConsumerId: string }; reply: object };
  /** Of oneself or one thing of one's own, or of anybody for those who run the meeting. */
  'get-stats': {
    send: InMeeting & { participantId?: string; transportId?: string; consumerId?: string };
    reply: SessionStats;
  };
}

/** Server to client. */
export interface ServerEvents extends ChatEvents {
  error: { message: string; code?: string; event?: string };
  'meeting-joined': MeetingJoined;
  'waiting-room-joined': InMeeting & { participantId: string; message: string };
  'join-request': InMeeting & { participantId: string; userName: string };
  'participant-joined': Omit<PresentParticipant, 'producers'>;
  'participant-left': {
    participantId: string;
    userName: string;
    reason?: 'left' | 'disconnected' | 'kicked';
  };
  'participants-added': InMeeting & { participants: ListedParticipant[]; changedBy: string | null };
  'participant-media-updated': {
    participantId: string;
    audio: boolean;
    video: boolean;
    screenSharing: boolean;
  };
  'security-policy-changed': InMeeting & { securityPolicy: SecurityPolicy };
  'participant-role-changed': InMeeting & {
    participantId: string;
    old_role: Role;
    new_role: Role;
    permissions: Partial<Permissions>;
  };
  'new-message': { message: WireLine };
  'user-typing': { userId: string; userName: string; typing: boolean };
  'participant-reaction': {
    participantId: string;
    userName: string;
    reaction: string;
    timestamp: string;
    /** Seconds to show it. */
    duration?: number;
  };
  'recording-status-changed': { recording: boolean; startedBy?: string };
  'hand-raised': { participantId: string; userName: string; raised: boolean; timestamp: string };
  'muted-by-host': { muted: boolean; reason?: string };
  'breakout-rooms-changed': BreakoutRoomsTold;
  'breakout-assigned': InMeeting & { participantId: string; roomId: string | null; name: string | null };
  'breakout-broadcast': InMeeting & { userId: string; userName: string; message: string; timestamp: string };
  'meeting-ended': InMeeting & { reason: string; endedBy?: string };
  'new-producer': OfProducer & { source: Source; paused?: boolean };
  'producer-closed': OfProducer;
  'producer-paused': OfProducer;
  'producer-resumed': OfProducer;
  'new-data-producer': InMeeting & RemoteChannel & { participantId: string };
  'data-producer-closed': InMeeting & { participantId: string; dataProducerId: string };
  /** Beside the answer to `consume-data`; after a resumed link perhaps without it. */
  'data-consumed': DataConsumed;
  'data-consumer-closed': { dataConsumerId: string; reason: 'slow' | 'closed' | 'lost' };
  'active-speaker': InMeeting & { participantId: string | null };
  'connection-quality': InMeeting & { participantId: string; quality: Quality };
  'media-reset': InMeeting;
  /** The loudest first; `level` in dBov, 0 to -127. */
  'active-speakers': InMeeting & { speakers: { participantId: string; level: number }[] };
  'consumer-layers-changed': LayersChanged;
  'producer-layers': { producerId: string; highestLayer: number | null };
  resumed: { events: number; meetings: { meetingId: string; participantId: string }[] };
  'server-draining': { reconnectAfterMs: number };
}

export type RequestName = keyof Requests;
export type ServerEventName = keyof ServerEvents;

/**
 * State of the link to the server. `refused` carries the server's own words and is final. `resumed`: this link goes on
 * where a lost one stopped; the server kept our sessions and sends what we missed (ADD-EV-18).
 */
export type LinkState =
  | { state: 'connecting' }
  | { state: 'connected'; resumed: boolean }
  | { state: 'lost' }
  | { state: 'refused'; message: string };

/** Everything the room needs from a link; the real one speaks Socket.IO, the fake one lives in `testing/`. */
export interface Signaling {
  readonly link: LinkState;
  connect(): void;
  close(): void;
  /** Resolves with the acknowledgement's payload; rejects with a `SignalingError`. */
  request<N extends RequestName>(name: N, payload: Requests[N]['send']): Promise<Requests[N]['reply']>;
  on<N extends ServerEventName>(name: N, handler: (payload: ServerEvents[N]) => void): () => void;
  onLink(handler: (link: LinkState) => void): () => void;
}
