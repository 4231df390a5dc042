// People at the door: the host lets them in or not.
import { Button } from '../base/Button';
import { useMeeting, useRoom } from './context';
import styles from './WaitingPeople.module.css';

export function WaitingPeople() {
  const { conference } = useMeeting();
  const requests = useRoom((state) => state.requests);
  if (requests.length === 0) return null;
  return (
    <section className={styles.door} aria-label="Waiting room">
      {requests.map(({ participantId, userName }) => (
        <div key={participantId} className={styles.request} role="alert">
          <span>
            <strong>{userName}</strong> is waiting
          </span>
          <Button look="plain" onClick={() => void conference.answer(participantId, false)}>
            Deny
          </Button>
          <Button look="filled" onClick={() => void conference.answer(participantId, true)}>
            Admit
          </Button>
        </div>
      ))}
    </section>
  );
}
