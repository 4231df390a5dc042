// Everything that can happen to the state of a meeting.
import type {
  ChatMessage,
  MeetingJoined,
  PresentParticipant,
  Quality,
  RemoteProducer,
} from '../signaling/events';
import type { JoinRequest, Panel } from './state';

export type Action =
  | { type: 'join-asked'; userId: string; userName: string }
  | { type: 'joined'; joined: MeetingJoined }
  | { type: 'waiting' }
  | { type: 'refused'; message: string }
  | { type: 'left' }
  | { type: 'ended'; by: string | null }
  | { type: 'link'; up: boolean }
  | { type: 'media-restart'; on: boolean }
  | { type: 'media-reset' }
  | { type: 'person-joined'; person: PresentParticipant }
  | { type: 'person-left'; participantId: string }
  | { type: 'grace-over' }
  | { type: 'media-updated'; participantId: string; audio: boolean; video: boolean; screen: boolean }
  | { type: 'own-media'; audio?: boolean; video?: boolean; screen?: boolean }
  | { type: 'producer-added'; participantId: string; producer: RemoteProducer }
  | { type: 'producer-closed'; participantId: string; producerId: string }
  | { type: 'producer-paused'; participantId: string; producerId: string; paused: boolean }
  | { type: 'speaker'; participantId: string | null }
  | { type: 'quality'; participantId: string; quality: Quality }
  | { type: 'hand'; participantId: string; raised: boolean; at: number }
  | { type: 'message'; message: ChatMessage }
  | { type: 'history'; messages: ChatMessage[] }
  | { type: 'panel'; panel: Panel | null }
  | { type: 'request'; request: JoinRequest }
  | { type: 'request-answered'; participantId: string };
