// `window.plenum`: a read-only view of the meeting, for browser tests and for curious people (see web/README.md).
import type { MediaStats } from '../media/session';
import type { Conference } from '../room/conference';
import type { RoomState } from '../room/state';

export interface PlenumWindow {
  readonly version: string;
  /** The state of the meeting in this tab; null outside of one. */
  room(): RoomState | null;
  stats(): Promise<MediaStats>;
}

declare global {
  interface Window {
    readonly plenum: PlenumWindow;
  }
}

let current: Conference | null = null;

/** Says which meeting `window.plenum` shows. */
export function show(conference: Conference | null): void {
  current = conference;
}

export function exposeForTests(): void {
  const plenum: PlenumWindow = Object.freeze({
    version: __PLENUM_VERSION__,
    room: () => (current ? structuredClone(current.store.get()) : null),
    stats: async () => current?.stats() ?? { outbound: [], inbound: [], transports: [] },
  });
  Object.defineProperty(window, 'plenum', { value: plenum, configurable: true });
}
