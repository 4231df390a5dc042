// Says what happens to people who listen to the page instead of seeing it: lines, hands, the recording.
import { useEffect, useState } from 'react';
import type { RoomState } from '../../room/state';
import { handQueue } from '../../room/state';
import { useMeeting } from './context';

export function Announcer() {
  const { store } = useMeeting().conference;
  const [said, setSaid] = useState('');
  useEffect(() => {
    let before = store.get();
    return store.subscribe(() => {
      const now = store.get();
      const words = news(before, now);
      before = now;
      if (words) setSaid(words);
    });
  }, [store]);
  return (
    <p className="visually-hidden" aria-live="polite" data-testid="announcer">
      {said}
    </p>
  );
}

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
  const hand = handQueue(now).find(({ key }) => key !== 'self' && !isUp(before, key));
  if (hand && before.self.participantId === now.self.participantId) return `${hand.userName} raised a hand.`;
  if (before.recording.on !== now.recording.on && now.phase === 'inside') {
    return now.recording.on ? 'This meeting is being recorded.' : 'The recording has stopped.';
  }
  return null;
}

function isUp(state: RoomState, key: string): boolean {
  return state.people[key]?.handRaisedAt != null;
}
