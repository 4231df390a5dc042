// Alone in the room: the link to send to the others.
import { CopyButton } from '../base/CopyButton';
import { meetingPath } from '../home/address';
import { useRoom } from './context';
import styles from './Invitation.module.css';

export function Invitation() {
  const id = useRoom((state) => state.meeting?.id);
  if (!id) return null;
  return (
    <aside className={styles.invitation}>
      <p>You are the only one here.</p>
      <CopyButton text={location.origin + meetingPath(id)} label="Copy invitation link" />
    </aside>
  );
}
