// Ends a live meeting, or cancels one that was never held.
import { useState } from 'react';
import { readable } from '../../signaling/errors';
import type { Meeting } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Select } from '../base/Field';
import { notify } from '../notices';
import { useServices } from '../services';
import styles from './StopDialog.module.css';

interface StopProps {
  meeting: Meeting;
  onDone: () => void;
  onClose: () => void;
}

export function StopDialog({ meeting, onDone, onClose }: StopProps) {
  const { rest } = useServices();
  const [busy, setBusy] = useState(false);
  const [series, setSeries] = useState(false);
  const live = meeting.meeting_status === 'live';
  const stop = async () => {
    setBusy(true);
    try {
      await (live ? rest.end(meeting.id) : rest.cancel(meeting.id, series));
      notify(live ? 'Meeting ended.' : series ? 'Series cancelled.' : 'Meeting cancelled.');
      onDone();
    } catch (failure) {
      notify(readable(failure), 'error');
    }
    onClose();
  };
  return (
    <Dialog title={live ? 'End this meeting?' : 'Cancel this meeting?'} narrow onClose={onClose}>
      <p className={styles.question}>
        {live
          ? `Everybody leaves “${meeting.meeting_name}”, and it cannot be joined again.`
          : `“${meeting.meeting_name}” is cancelled for everybody who was invited. This cannot be undone.`}
      </p>
      {!live && meeting.series_id && (
        <div className={styles.which}>
          <Select
            label="Which"
            value={series ? 'series' : 'one'}
            options={[
              { value: 'one', label: 'Only this meeting; the series goes on' },
              { value: 'series', label: 'The whole series' },
            ]}
            onChange={(value) => setSeries(value === 'series')}
          />
        </div>
      )}
      <div className={styles.answers}>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" busy={busy} onClick={stop}>
          {live ? 'End meeting' : 'Cancel meeting'}
        </Button>
      </div>
    </Dialog>
  );
}
