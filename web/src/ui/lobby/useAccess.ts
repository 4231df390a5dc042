// May one come in? Asked at the door, and again while the answer can still change.
import { useCallback, useEffect, useState } from 'react';
import { isLostLogin, readable, SignalingError } from '../../signaling/errors';
import type { JoinAccess } from '../../signaling/meeting';
import { useServices } from '../services';
import { logOut } from '../session';

export type Access =
  | { state: 'asking' }
  | { state: 'open'; access: JoinAccess }
  /** The name is known to people who are invited. */
  | { state: 'password'; name: string | null }
  /** Not now: the host has not started, or it is full. It is asked again by itself. */
  | { state: 'not-yet'; message: string }
  | { state: 'closed'; message: string }
  | { state: 'unreachable'; message: string };

const ASK_AGAIN_MS = 3_000;

export function useAccess(meetingId: string): { access: Access; ask: () => Promise<void> } {
  const { rest } = useServices();
  const [access, setAccess] = useState<Access>({ state: 'asking' });

  const ask = useCallback(async () => {
    try {
      const answer = await rest.access(meetingId);
      const waits = !answer.canJoin && !answer.waitingRoomEnabled;
      setAccess(
        waits
          ? {
              state: 'not-yet',
              message: 'The host has not started this meeting yet. You can stay here; it opens by itself.',
            }
          : { state: 'open', access: answer },
      );
    } catch (error) {
      if (isLostLogin(error)) logOut();
      else if (error instanceof SignalingError && error.code === 'MEETING_PASSWORD_REQUIRED') {
        const meeting = await rest.meeting(meetingId).catch(() => null);
        setAccess({ state: 'password', name: meeting?.meeting_name ?? null });
      } else setAccess(refused(error));
    }
  }, [rest, meetingId]);

  useEffect(() => void ask(), [ask]);
  const again = access.state === 'not-yet' || access.state === 'unreachable';
  useEffect(() => {
    if (!again) return;
    const timer = setInterval(() => void ask(), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [again, ask]);

  return { access, ask };
}

function refused(error: unknown): Access {
  const message = readable(error);
  if (!(error instanceof SignalingError) || error.status === 0 || error.status >= 500) {
    return { state: 'unreachable', message };
  }
  if (error.status === 429) return { state: 'not-yet', message };
  return { state: 'closed', message };
}
