// Keys in a meeting. Single letters, so they can be switched off, and never while somebody is typing.
import { useEffect } from 'react';
import type { Conference } from '../../room/conference';
import type { Controls } from '../../room/controls';
import type { Panel } from '../../room/state';
import type { OpenDialog } from './MeetingRoom';

export const SHORTCUTS: readonly { key: string; does: string }[] = [
  { key: 'M', does: 'Mute or unmute' },
  { key: 'Space', does: 'Speak while held' },
  { key: 'V', does: 'Camera on or off' },
  { key: 'S', does: 'Share your screen' },
  { key: 'H', does: 'Raise or lower your hand' },
  { key: 'C', does: 'Open or close the chat' },
  { key: 'P', does: 'Show or hide participants' },
  { key: 'Esc', does: 'Close the panel' },
  { key: '?', does: 'Show this list' },
];

const MEMORY = 'plenum.shortcuts';

export function shortcutsOn(): boolean {
  return localStorage.getItem(MEMORY) !== 'off';
}

export function setShortcutsOn(on: boolean): void {
  if (on) localStorage.removeItem(MEMORY);
  else localStorage.setItem(MEMORY, 'off');
}

export function useShortcuts(
  controls: Controls,
  conference: Conference,
  onDialog: (dialog: OpenDialog) => void,
): void {
  useEffect(() => {
    let speaking = false;
    const panel = (wanted: Panel) =>
      conference.openPanel(conference.store.get().panel === wanted ? null : wanted);
    const actions: Record<string, () => void> = {
      m: () => void controls.toggleMicrophone(),
      v: () => void controls.toggleCamera(),
      s: () => void controls.toggleScreen(),
      h: () => void controls.toggleHand(),
      c: () => panel('chat'),
      p: () => panel('people'),
      '?': () => onDialog('shortcuts'),
    };
    const down = (event: KeyboardEvent) => {
      // A dialog closes itself; the panel it stands over stays.
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) conference.openPanel(null);
      if (busyElsewhere(event) || !shortcutsOn()) return;
      if (event.key === ' ' && !onControl(event) && !conference.store.get().self.audio) {
        speaking = true;
        void controls.setMicrophone(true);
      }
      const action = actions[event.key.toLowerCase()];
      if (!action) return;
      // Otherwise the letter lands in the chat field that it opens.
      event.preventDefault();
      action();
    };
    const up = (event: KeyboardEvent) => {
      if (event.key !== ' ' || !speaking) return;
      speaking = false;
      void controls.setMicrophone(false);
    };
    addEventListener('keydown', down);
    addEventListener('keyup', up);
    return () => {
      removeEventListener('keydown', down);
      removeEventListener('keyup', up);
    };
  }, [controls, conference, onDialog]);
}

function busyElsewhere(event: KeyboardEvent): boolean {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return true;
  return (
    event.target instanceof Element &&
    event.target.closest('input, textarea, select, dialog, [role=menu]') !== null
  );
}

/** Space presses a focused button; it must not speak as well. */
function onControl(event: KeyboardEvent): boolean {
  return event.target instanceof Element && event.target.closest('button, a, summary') !== null;
}
