// A host decides: go alone, or end it for everybody.
import { useState } from 'react';
import { readable } from '../../signaling/errors';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { notify } from '../notices';
import { useServices } from '../services';
import { useMeeting, useRoom } from './context';
import styles from './LeaveDialog.module.css';

export function LeaveDialog({ onClose }: { onClose: () => void }) {
  const { conference } = useMeeting();
  const { rest } = useServices();
  const id = useRoom((state) => state.meeting?.id ?? '');
  const others = useRoom((state) => state.order.length);
  const [busy, setBusy] = useState(false);
  const end = async () => {
    setBusy(true);
    try {
      await rest.end(id);
      conference.ended(null);
    } catch (failure) {
      notify(readable(failure), 'error');
      setBusy(false);
    }
  };
  return (
    <Dialog title="Leave or end?" narrow onClose={onClose}>
      <p className={styles.lead}>
        {others === 0
          ? 'You are alone here. An ended meeting cannot be joined again.'
          : 'The others can go on without you, or you end the meeting for everybody. It cannot be joined again then.'}
      </p>
      <div className={styles.actions}>
        <Button look="filled" wide data-autofocus disabled={busy} onClick={() => void conference.leave()}>
          Leave the meeting
        </Button>
        <Button look="danger" wide busy={busy} onClick={end}>
          End for everybody
        </Button>
      </div>
    </Dialog>
  );
}
