// Before the door: somebody has to let us in. The page turns into the meeting by itself.
import { useEffect } from 'react';
import { Button } from '../base/Button';
import styles from './WaitingRoom.module.css';

export function WaitingRoom({ name, onCancel }: { name: string; onCancel: () => void }) {
  useEffect(() => {
    document.title = 'Waiting · Plenum';
  }, []);
  return (
    <section className={styles.room} role="status" data-testid="waiting-room">
      <span className={styles.calm} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <h1>{name}</h1>
      <p className={styles.lead}>You are in the waiting room. The host will let you in.</p>
      <p className={styles.soft}>
        The host knows that you are here. You can stay on this page: it turns into the meeting by itself.
      </p>
      <Button onClick={onCancel}>Leave the waiting room</Button>
    </section>
  );
}
