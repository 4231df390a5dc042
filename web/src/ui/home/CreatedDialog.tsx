// The meeting exists: here is its link, and the way in.
import type { Meeting } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { CopyButton } from '../base/CopyButton';
import { Dialog } from '../base/Dialog';
import { navigate } from '../router';
import { meetingPath } from './address';
import styles from './CreatedDialog.module.css';

export function CreatedDialog({ meeting, onClose }: { meeting: Meeting; onClose: () => void }) {
  const path = meetingPath(meeting.id);
  const link = location.origin + path;
  return (
    <Dialog title="Your meeting is ready" narrow onClose={onClose}>
      <p className={styles.lead}>
        Share this link with the people you want to meet in “{meeting.meeting_name}”.
      </p>
      <p className={styles.link} data-testid="meeting-link">
        {link}
      </p>
      <div className={styles.actions}>
        <CopyButton text={link} />
        <Button look="filled" data-autofocus onClick={() => navigate(path)}>
          {meeting.meeting_type === 'instant' ? 'Join now' : 'Open'}
        </Button>
      </div>
    </Dialog>
  );
}
