// Says that the meeting is recorded, and asks before it is.
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { useMeeting, useRoom } from './context';
import styles from './RecordingMark.module.css';

/** This version knows that and when a meeting was recorded; the recorder that writes files comes later. */
const NO_FILE = 'This version keeps the times of a recording, but no file yet.';

export function RecordingMark() {
  const on = useRoom((state) => state.recording.on);
  if (!on) return null;
  return (
    <p className={styles.mark} title={NO_FILE} data-testid="recording">
      <i aria-hidden="true" />
      Recording
    </p>
  );
}

export function RecordingDialog({ onClose }: { onClose: () => void }) {
  const { desk } = useMeeting().conference;
  const start = () => {
    onClose();
    void desk.record(true);
  };
  return (
    <Dialog title="Record this meeting?" narrow onClose={onClose}>
      <p className={styles.lead}>Everybody in the meeting sees that it is being recorded.</p>
      <p className={styles.lead}>{NO_FILE}</p>
      <div className={styles.actions}>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="danger" data-autofocus onClick={start}>
          Mark as recorded
        </Button>
      </div>
    </Dialog>
  );
}
