// The create form's fields, what is wrong with them, and what is sent. Pure.
import type { Meeting, MeetingDraft, MeetingFeatures, User } from '../../signaling/meeting';
import { fromRule, noRecurrence, type Recurrence, recurrenceError, toRule, zone } from './recurrence';
import { forInput } from './when';

export interface Draft {
  name: string;
  description: string;
  now: boolean;
  /** As the `datetime-local` input has it. */
  start: string;
  durationMinutes: number;
  emails: string[];
  password: string;
  maxParticipants: string;
  waitingRoom: boolean;
  anyoneWithLink: boolean;
  recurrence: Recurrence;
  features: MeetingFeatures;
}

const FEATURES: MeetingFeatures = {
  video_enabled: true,
  audio_enabled: true,
  screen_sharing_enabled: true,
  chat_enabled: true,
  hand_raise_enabled: true,
  recording_enabled: false,
};

const HOUR_MS = 3_600_000;
/** The server's own bounds, told before it has to. */
const PASSWORD_MIN = 6;
const PASSWORD_MAX = 50;
const PEOPLE_MIN = 2;
const PEOPLE_MAX = 10_000;

export function emptyDraft(nowMs: number): Draft {
  return {
    name: '',
    description: '',
    now: true,
    start: forInput(Math.ceil(nowMs / HOUR_MS) * HOUR_MS),
    durationMinutes: 60,
    emails: [],
    password: '',
    maxParticipants: '100',
    waitingRoom: false,
    anyoneWithLink: true,
    recurrence: noRecurrence(),
    features: FEATURES,
  };
}

export function draftOf(meeting: Meeting, user: User): Draft {
  const start = Date.parse(meeting.meeting_start_time);
  return {
    name: meeting.meeting_name,
    description: meeting.meeting_description,
    now: false,
    start: forInput(start),
    durationMinutes: Math.round((Date.parse(meeting.meeting_end_time) - start) / 60_000),
    emails: meeting.participants.flatMap(({ email }) => (email && email !== user.email ? [email] : [])),
    password: '',
    maxParticipants: String(meeting.max_participants),
    waitingRoom: meeting.waiting_room_enabled,
    anyoneWithLink: meeting.allow_guests,
    recurrence: (meeting.recurrence && fromRule(meeting.recurrence)) || noRecurrence(),
    features: { ...FEATURES, ...meeting.features },
  };
}

export type DraftErrors = Partial<
  Record<'name' | 'start' | 'password' | 'maxParticipants' | 'recurrence', string>
>;

export function errorsOf(draft: Draft, nowMs: number): DraftErrors {
  const errors: DraftErrors = {};
  if (!draft.name.trim()) errors.name = 'Give the meeting a name.';
  if (!draft.now) {
    const start = Date.parse(draft.start);
    if (Number.isNaN(start)) errors.start = 'Choose a date and a time.';
    else if (start + draft.durationMinutes * 60_000 < nowMs) errors.start = 'This time is already over.';
    const wrong = recurrenceError(draft.recurrence, new Date(start));
    if (wrong) errors.recurrence = wrong;
  }
  const { length } = draft.password;
  if (length > 0 && (length < PASSWORD_MIN || length > PASSWORD_MAX)) {
    errors.password = `Use ${PASSWORD_MIN} to ${PASSWORD_MAX} characters.`;
  }
  const people = Number(draft.maxParticipants);
  if (!Number.isInteger(people) || people < PEOPLE_MIN || people > PEOPLE_MAX) {
    errors.maxParticipants = `Between ${PEOPLE_MIN} and ${PEOPLE_MAX.toLocaleString('en')}.`;
  }
  return errors;
}

export function toWire(draft: Draft, user: User, nowMs: number): MeetingDraft {
  const start = draft.now ? nowMs : Date.parse(draft.start);
  const rule = draft.now ? null : toRule(draft.recurrence, new Date(start));
  return {
    meeting_name: draft.name.trim(),
    meeting_description: draft.description.trim(),
    meeting_start_time: new Date(start).toISOString(),
    meeting_end_time: new Date(start + draft.durationMinutes * 60_000).toISOString(),
    meeting_location: 'virtual',
    // The server wants at least one person; the host is always one.
    participants: [user.id, ...draft.emails],
    meeting_type: draft.now ? 'instant' : rule ? 'recurring' : 'scheduled',
    ...(rule ? { recurrence: rule, recurrence_timezone: zone() } : {}),
    max_participants: Number(draft.maxParticipants),
    waiting_room_enabled: draft.waitingRoom,
    require_host_approval: draft.waitingRoom,
    allow_guests: draft.anyoneWithLink,
    features: draft.features,
    ...(draft.password ? { meeting_password: draft.password } : {}),
  };
}
