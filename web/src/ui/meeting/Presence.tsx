// Says who came and who went, and when the connection is back.
import { useEffect } from 'react';
import type { RoomState } from '../../room/state';
import { notify } from '../notices';
import { useMeeting } from './context';

/** In a large meeting somebody always comes or goes; then the number on the bar has to do. */
const TOLD_UP_TO = 12;

export function Presence() {
  const { store } = useMeeting().conference;
  useEffect(() => {
    let before = store.get();
    return store.subscribe(() => {
      const now = store.get();
      tell(before, now);
      before = now;
    });
  }, [store]);
  return null;
}

function tell(before: RoomState, now: RoomState): void {
  if (before.link === 'down' && now.link === 'up') notify('You are back.');
  if (before.order === now.order || now.phase !== 'inside' || now.order.length > TOLD_UP_TO) return;
  // A rejoin is one change of everything; it is told as "you are back".
  if (before.self.participantId !== now.self.participantId) return;
  for (const key of now.order) if (!before.people[key]) notify(`${now.people[key]?.userName} joined.`);
  for (const key of before.order) if (!now.people[key]) notify(`${before.people[key]?.userName} left.`);
}
