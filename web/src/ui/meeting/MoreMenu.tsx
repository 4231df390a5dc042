// What is needed rarely: link, devices, appearance, shortcuts, full screen.
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { holds, isHost, mayRecord, runsMeeting } from '../../room/rights';
import { Icon, type IconName } from '../base/Icon';
import { EMOJI } from '../chat/emoji';
import { meetingPath } from '../home/address';
import { notify } from '../notices';
import { useTheme } from '../theme';
import { BarButton } from './BarButton';
import { useMeeting, useRoom } from './context';
import type { OpenDialog } from './MeetingRoom';
import styles from './MoreMenu.module.css';

/** One row on a phone. */
const REACTIONS_SHOWN = 6;

export function MoreMenu({ onDialog }: { onDialog: (dialog: OpenDialog) => void }) {
  const [open, setOpen] = useState(false);
  const wrapper = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    wrapper.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
    const outside = (event: PointerEvent) => {
      if (!wrapper.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);

  const key = (event: KeyboardEvent) => {
    if (!open) return;
    const items = [...(wrapper.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Escape') {
      setOpen(false);
      wrapper.current?.querySelector('button')?.focus();
    } else if (step !== 0) {
      event.preventDefault();
      items[(at + step + items.length) % items.length]?.focus();
    } else return;
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the menu inside
    <div ref={wrapper} className={styles.wrapper} onKeyDown={key}>
      <BarButton icon="more" label="More" tone="plain" pressed={open} onClick={() => setOpen(!open)} />
      {open && <Items onDialog={onDialog} onDone={() => setOpen(false)} />}
    </div>
  );
}

interface ItemsProps {
  onDialog: (dialog: OpenDialog) => void;
  onDone: () => void;
}

function Items({ onDialog, onDone }: ItemsProps) {
  const id = useRoom((state) => state.meeting?.id ?? '');
  const { conference } = useMeeting();
  const runs = useRoom(runsMeeting);
  const host = useRoom(isHost);
  const records = useRoom(mayRecord);
  const rooms = useRoom((state) => state.breakouts !== null || holds(state, 'can_manage_breakout_rooms'));
  const recording = useRoom((state) => state.recording.on);
  const { dark, toggle } = useTheme();
  const full = document.fullscreenElement !== null;
  const copy = () => {
    const link = location.origin + meetingPath(id);
    navigator.clipboard.writeText(link).then(
      () => notify('Link copied.'),
      () => notify(`Copy this link: ${link}`),
    );
  };
  const fullScreen = () => {
    void (full ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(
      () => undefined,
    );
  };
  const item = (icon: IconName, label: string, act: () => void) => (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      onClick={() => {
        onDone();
        act();
      }}
    >
      <Icon name={icon} size={19} />
      {label}
    </button>
  );
  return (
    <div role="menu" aria-label="More" className={styles.menu}>
      <div className={styles.reactions}>
        {EMOJI.slice(0, REACTIONS_SHOWN).map(({ emoji, name }) => (
          <button
            key={emoji}
            type="button"
            role="menuitem"
            tabIndex={-1}
            aria-label={`React: ${name}`}
            onClick={() => {
              onDone();
              void conference.react(emoji);
            }}
          >
            {emoji}
          </button>
        ))}
      </div>
      {item('copy', 'Copy meeting link', copy)}
      {rooms && item('rooms', 'Breakout rooms', () => conference.openPanel('rooms'))}
      {runs && item('chart', 'Live numbers', () => conference.openPanel('numbers'))}
      {records &&
        (recording
          ? item('record', 'Stop recording', () => void conference.desk.record(false))
          : item('record', 'Record this meeting', () => onDialog('record')))}
      {host && item('shield', 'Security', () => onDialog('security'))}
      {item('settings', 'Audio and video devices', () => onDialog('devices'))}
      {item(dark ? 'sun' : 'moon', dark ? 'Light appearance' : 'Dark appearance', toggle)}
      {document.fullscreenEnabled && item('screen', full ? 'Leave full screen' : 'Full screen', fullScreen)}
      {item('keyboard', 'Keyboard shortcuts', () => onDialog('shortcuts'))}
    </div>
  );
}
