// Which list a meeting belongs to, and what of it matches a search. Pure.
import type { Meeting } from '../../signaling/meeting';

export interface Sorted {
  live: Meeting[];
  upcoming: Meeting[];
  past: Meeting[];
}

export function sorted(meetings: readonly Meeting[], nowMs: number): Sorted {
  const result: Sorted = { live: [], upcoming: [], past: [] };
  for (const meeting of meetings) result[listOf(meeting, nowMs)].push(meeting);
  result.live.sort(byStart);
  result.upcoming.sort(byStart);
  result.past.sort((a, b) => byStart(b, a));
  return result;
}

function listOf(meeting: Meeting, nowMs: number): keyof Sorted {
  if (meeting.meeting_status === 'live') return 'live';
  const over = Date.parse(meeting.meeting_end_time) < nowMs;
  return meeting.meeting_status === 'scheduled' && !over ? 'upcoming' : 'past';
}

function byStart(a: Meeting, b: Meeting): number {
  return Date.parse(a.meeting_start_time) - Date.parse(b.meeting_start_time);
}

/** Every word of the search occurs in the name, the description or a person of the meeting. */
export function matches(meeting: Meeting, search: string): boolean {
  const people = meeting.participants.map(({ name, email }) => `${name ?? ''} ${email ?? ''}`);
  const text = [meeting.meeting_name, meeting.meeting_description, ...people].join(' ').toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
