// After the meeting.
import { useEffect } from 'react';
import type { Phase } from '../../room/state';
import { Button } from '../base/Button';
import { Mark } from '../base/Logo';
import { analyticsPath } from '../home/address';
import { navigate } from '../router';
import { useMeeting, useRoom } from './context';
import styles from './Goodbye.module.css';

const TITLES: Partial<Record<Phase, string>> = {
  ended: 'The meeting has ended',
  removed: 'You were removed from the meeting',
};

export function Goodbye({ onRejoin }: { onRejoin: () => void }) {
  const phase = useRoom((state) => state.phase);
  const ended = phase === 'ended';
  const name = useRoom((state) => state.meeting?.meeting_name);
  const id = useRoom((state) => state.meeting?.id);
  const { devices } = useMeeting();
  useEffect(() => {
    document.title = 'Plenum';
    void devices.close('camera');
    void devices.close('microphone');
  }, [devices]);
  return (
    <main className={styles.page}>
      <Mark size={60} />
      <h1>{TITLES[phase] ?? 'You left the meeting'}</h1>
      {name && <p>{name}</p>}
      <div className={styles.actions}>
        {phase === 'left' && <Button onClick={onRejoin}>Rejoin</Button>}
        {ended && id && (
          <Button icon="chart" onClick={() => navigate(analyticsPath(id))}>
            How it was
          </Button>
        )}
        <Button look="filled" onClick={() => navigate('/')}>
          Your meetings
        </Button>
      </div>
    </main>
  );
}
