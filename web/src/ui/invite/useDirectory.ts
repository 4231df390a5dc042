// The directory, asked while somebody types and not at every key.
import { useEffect, useState } from 'react';
import { readable } from '../../signaling/errors';
import type { DirectoryUser } from '../../signaling/people';

const PAUSE_MS = 250;

export interface Found {
  /** What these were found for; null before anything was. */
  query: string | null;
  users: DirectoryUser[];
  error: string | null;
}

const NOTHING: Found = { query: null, users: [], error: null };

export function useDirectory(query: string, search: (query: string) => Promise<DirectoryUser[]>): Found {
  const [found, setFound] = useState<Found>(NOTHING);
  const wanted = query.trim();
  useEffect(() => {
    if (!wanted) {
      setFound(NOTHING);
      return;
    }
    let stale = false;
    const timer = setTimeout(() => {
      search(wanted).then(
        (users) => !stale && setFound({ query: wanted, users, error: null }),
        (error) => !stale && setFound({ query: wanted, users: [], error: readable(error) }),
      );
    }, PAUSE_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [wanted, search]);
  return found;
}
