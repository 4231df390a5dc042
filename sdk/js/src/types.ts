/** What the methods take and answer: the types of the description, in our spelling. */
import type { Operations } from './generated/v1.js';
import type { Camel } from './words.js';

type Taken<Name extends keyof Operations> = Camel<NonNullable<Operations[Name]['body']>>;
type Answered<Name extends keyof Operations> = Camel<Operations[Name]['data']>;

export type MeetingStarted = Answered<'v1StartMeeting'>;
export type MeetingEnded = Answered<'v1EndMeeting'>;
export type MeetingStatus = Answered<'v1GetMeetingStatus'>;
export type JoinOptions = Taken<'v1JoinMeeting'>;
/** Oneself in the meeting; with the status `waiting` until a host lets one in. */
export type Joined = Answered<'v1JoinMeeting'>;
export type MeetingLeft = Answered<'v1LeaveMeeting'>;
export type Participant = Answered<'v1ListParticipants'>[number];
export type StatusChange = Taken<'v1UpdateParticipantStatus'>;
export type ParticipantStatus = Answered<'v1UpdateParticipantStatus'>;
export type NewChatMessage = Taken<'v1SendMessage'>;
export type ChatMessage = Answered<'v1SendMessage'>;
export type BreakoutRoomsWanted = Taken<'v1CreateBreakoutRooms'>;
export type BreakoutRoom = Answered<'v1CreateBreakoutRooms'>[number];
export type BreakoutAssignment = Taken<'v1AssignBreakoutRoom'>;
export type BreakoutAssigned = Answered<'v1AssignBreakoutRoom'>;
export type BreakoutRooms = Answered<'v1ListBreakoutRooms'>;
/** Nothing: oneself; hosts name one person, or everybody. */
export type BreakoutReturn = Taken<'v1ReturnFromBreakoutRoom'>;
export type BreakoutBroadcast = Answered<'v1BroadcastToBreakoutRooms'>;
export type BreakoutRoomsClosed = Answered<'v1CloseBreakoutRooms'>;
export type TokenWanted = Taken<'v1CreateLivekitToken'>;
export type LiveKitToken = Answered<'v1CreateLivekitToken'>;
export type SecurityPolicy = Taken<'v1ApplySecurityPolicy'>;
