// Everything that can happen to the state of a meeting.
import type { MeetingJoined, PresentParticipant, Quality, RemoteProducer } from '../signaling/events';
import type { Permissions, Role } from '../signaling/people';
import type { SecurityPolicy } from '../signaling/security';
import type { Breakouts } from './breakouts';
import type { JoinRequest, Panel, ShownReaction } from './state';
import type { TalkAction } from './talk';

export type Action =
  | TalkAction
  | { type: 'join-asked'; userId: string; userName: string }
  | { type: 'joined'; joined: MeetingJoined }
  | { type: 'waiting' }
  | { type: 'refused'; message: string }
  | { type: 'left' }
  | { type: 'removed' }
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
  | { type: 'speakers'; participantIds: string[] }
  | { type: 'quality'; participantId: string; quality: Quality }
  | { type: 'hand'; participantId: string; raised: boolean; at: number }
  | { type: 'typing'; userId: string; userName: string; on: boolean }
  | { type: 'reaction'; id: number; participantId: string; userName: string; reaction: string }
  | { type: 'reaction-over'; id: ShownReaction['id'] }
  | { type: 'recording'; on: boolean; by: string | null }
  | { type: 'policy'; policy: SecurityPolicy }
  | { type: 'role'; participantId: string; role: Role; permissions: Partial<Permissions> }
  | { type: 'host-muted'; muted: boolean }
  | { type: 'breakouts'; breakouts: Breakouts | null }
  | { type: 'breakout-place'; participantId: string; roomId: string | null }
  | { type: 'panel'; panel: Panel | null }
  | { type: 'request'; request: JoinRequest }
  | { type: 'request-answered'; participantId: string };
