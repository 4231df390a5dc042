// Says what happens to people who listen to the page instead of seeing it: lines, hands, the recording.
import { useEffect, useState } from 'react';
import { useMeeting } from './context';
import { news } from './news';

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
