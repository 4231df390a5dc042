// People at the door: those who run the meeting let them in or not.
import { useEffect, useRef } from 'react';
import { Avatar } from '../base/Avatar';
import { Button } from '../base/Button';
import { useMeeting, useRoom } from './context';
import { playKnock } from './knock';
import styles from './WaitingPeople.module.css';

export function WaitingPeople() {
  const { desk } = useMeeting().conference;
  const requests = useRoom((state) => state.requests);
  const heard = useRef(0);
  useEffect(() => {
    if (requests.length > heard.current) playKnock();
    heard.current = requests.length;
  }, [requests]);
  const last = requests.at(-1);
  return (
    <>
      <p className="visually-hidden" role="alert">
        {last && `${last.userName} is waiting to be let in.`}
      </p>
      {requests.length > 0 && (
        <section className={styles.door} aria-label="Waiting room">
          <header>
            <h2>{requests.length === 1 ? 'Somebody is waiting' : `${requests.length} people are waiting`}</h2>
            {requests.length > 1 && (
              <Button look="filled" onClick={() => void desk.admitAll()}>
                Admit all
              </Button>
            )}
          </header>
          <ul className={styles.list}>
            {requests.map(({ participantId, userName }) => (
              <li key={participantId} className={styles.request} data-testid="waiting">
                <Avatar id={participantId} name={userName} size={30} />
                <strong>{userName}</strong>
                <Button
                  look="plain"
                  aria-label={`Deny ${userName}`}
                  onClick={() => void desk.answer(participantId, false)}
                >
                  Deny
                </Button>
                <Button
                  look={requests.length === 1 ? 'filled' : 'quiet'}
                  aria-label={`Admit ${userName}`}
                  onClick={() => void desk.answer(participantId, true)}
                >
                  Admit
                </Button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
