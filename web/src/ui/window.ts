// `window.plenum`: a read-only view of the meeting, and its data channels, for browser tests, for other scripts of the page and for
// curious people (see web/README.md).
import type { DataContent, DataReliability, MediaStats } from '../media/session';
import type { DataListener } from '../room/channels';
import type { Conference } from '../room/conference';
import type { RoomState } from '../room/state';

export interface PlenumWindow {
  readonly version: string;
  /** The state of the meeting in this tab; null outside of one. */
  room(): RoomState | null;
  stats(): Promise<MediaStats>;
  /** Says something to everybody in the room who listens to the label. */
  sendData(label: string, content: DataContent, reliability?: DataReliability): Promise<void>;
  /** Gives a label back that nothing is to be said under any more. */
  closeData(label: string): Promise<void>;
  /** Listens to a label while this meeting lasts; the result ends that sooner. */
  onData(label: string, listener: DataListener): () => void;
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

function meeting(): Conference {
  if (!current) throw new Error('outside of a meeting');
  return current;
}

export function exposeForTests(): void {
  const plenum: PlenumWindow = {
    version: __PLENUM_VERSION__,
    room: () => (current ? structuredClone(current.store.get()) : null),
    stats: async () => current?.stats() ?? { outbound: [], inbound: [], transports: [] },
    sendData: async (label, content, reliability) => meeting().channels.sendData(label, content, reliability),
    closeData: async (label) => meeting().channels.closeData(label),
    onData: (label, listener) => meeting().channels.onData(label, listener),
  };
  Object.defineProperty(window, 'plenum', { value: Object.freeze(plenum), configurable: true });
}
