// Files on their way to the server, before the line that will carry them is sent.
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Attachment } from '../../signaling/chat';
import { readable } from '../../signaling/errors';
import { useServices } from '../services';

export interface Upload {
  key: number;
  name: string;
  /** Share that has been sent, 0 to 1. */
  share: number;
  done: Attachment | null;
  error: string | null;
}

/** The server takes no more on one line. */
export const FILES_MAX = 10;

export function useUploads() {
  const { rest } = useServices();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const stops = useRef(new Map<number, AbortController>());
  const next = useRef(1);

  const change = useCallback((key: number, part: Partial<Upload>) => {
    setUploads((all) => all.map((one) => (one.key === key ? { ...one, ...part } : one)));
  }, []);

  const add = useCallback(
    (files: readonly File[]) => {
      for (const file of files.slice(0, FILES_MAX - stops.current.size)) {
        const key = next.current++;
        const stop = new AbortController();
        stops.current.set(key, stop);
        setUploads((all) => [...all, { key, name: file.name, share: 0, done: null, error: null }]);
        rest.chat
          .upload(file, (share) => change(key, { share }), stop.signal)
          .then(
            (done) => change(key, { done, share: 1 }),
            (error) => !stop.signal.aborted && change(key, { error: readable(error) }),
          );
      }
    },
    [rest, change],
  );

  const remove = useCallback(
    ({ key, done }: Upload) => {
      stops.current.get(key)?.abort();
      stops.current.delete(key);
      setUploads((all) => all.filter((one) => one.key !== key));
      // The server forgets it by itself after a day.
      if (done) rest.chat.discard(done.id).catch(() => undefined);
    },
    [rest],
  );

  /** The line is on its way: what it carries is not ours to take back any more. */
  const clear = useCallback(() => {
    stops.current.clear();
    setUploads([]);
  }, []);

  useEffect(() => {
    const { current } = stops;
    return () => {
      for (const stop of current.values()) stop.abort();
    };
  }, []);

  return { uploads, add, remove, clear };
}
