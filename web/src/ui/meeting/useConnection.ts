// Numbers of somebody's connection for as long as they are looked at.
import { useEffect, useState } from 'react';
import type { Connection } from '../../room/connection';
import { useMeeting } from './context';

/** As often as the server's own figures change. */
const EVERY_MS = 5_000;

/** One's own; of others for those who run the meeting. Null until the server answers. */
export function useConnection(personKey: string): Connection | null {
  const { conference } = useMeeting();
  const [connection, setConnection] = useState<Connection | null>(null);
  useEffect(() => {
    let gone = false;
    const ask = async () => {
      // A server that does not answer now is asked again.
      const answer = await conference.connection(personKey).catch(() => null);
      if (!gone) setConnection(answer);
    };
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [conference, personKey]);
  return connection;
}
