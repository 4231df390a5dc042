// What changed in a meeting, as one sentence for people who listen to the page. Pure.
import { handQueue, type RoomState, SELF } from '../../room/state';

/** What changed, in a sentence; null for what is not worth one. */
export function news(before: RoomState, now: RoomState): string | null {
  const line = now.messages.at(-1);
  if (
    line &&
    line !== before.messages.at(-1) &&
    line.sender_id !== now.self.userId &&
    before.phase === 'inside'
  ) {
    const known = before.messages.some(({ id }) => id === line.id);
    if (!known) return `${line.sender_name} writes: ${line.message || 'a file'}`;
  }
  const hand = handQueue(now).find(({ key }) => key !== SELF && !isUp(before, key));
  if (hand && before.self.participantId === now.self.participantId) return `${hand.userName} raised a hand.`;
  if (before.recording.on !== now.recording.on && now.phase === 'inside') {
    return now.recording.on ? 'This meeting is being recorded.' : 'The recording has stopped.';
  }
  return null;
}

function isUp(state: RoomState, key: string): boolean {
  return state.people[key]?.handRaisedAt != null;
}
