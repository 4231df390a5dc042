// Numbers of somebody's connection for as long as they are looked at.
import { useEffect, useState } from 'react';
import type { Connection } from '../../room/connection';
import { look } from '../../room/looking';
import { useMeeting } from './context';

/** One's own; of others for those who run the meeting. Null until the server answers, and of nobody. */
export function useConnection(personKey: string | null): Connection | null {
  const { conference } = useMeeting();
  const [connection, setConnection] = useState<Connection | null>(null);
  useEffect(() => {
    if (personKey !== null) return look(() => conference.connection(personKey), setConnection);
    setConnection(null);
  }, [conference, personKey]);
  return connection;
}
