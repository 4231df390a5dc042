// The meeting a component is in, and ways to read parts of it.
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { LocalDevices } from '../../media/devices';
import type { Spot } from '../../room/board';
import type { Conference } from '../../room/conference';
import type { Controls } from '../../room/controls';
import type { Person, RoomState } from '../../room/state';
import { SELF } from '../../room/state';
import type { LayerLimit } from '../../signaling/events';
import { useStore } from '../useStore';
import type { Levels } from './levels';

export interface MeetingParts {
  conference: Conference;
  devices: LocalDevices;
  controls: Controls;
  levels: Levels;
}

export const MeetingContext = createContext<MeetingParts | null>(null);

export function useMeeting(): MeetingParts {
  const parts = useContext(MeetingContext);
  if (!parts) throw new Error('a meeting component is rendered outside of MeetingContext');
  return parts;
}

/** Renders again only when what is selected changes; select something that exists in the state, do not build it. */
export function useRoom<Selected>(select: (state: RoomState) => Selected): Selected {
  return useStore(useMeeting().conference.store, select);
}

export function usePerson(key: string): Person | undefined {
  return useRoom((state) => (key === SELF ? state.self : state.people[key]));
}

/** Why nothing of a track comes, if the server holds it back. */
export function useHeldBack(at: Spot): LayerLimit | null {
  const { board } = useMeeting().conference;
  return useSyncExternalStore(board.subscribe, () => board.heldBack(at));
}

export function useTrack(at: Spot): MediaStreamTrack | null {
  const { board } = useMeeting().conference;
  return useSyncExternalStore(board.subscribe, () => board.get(at));
}
