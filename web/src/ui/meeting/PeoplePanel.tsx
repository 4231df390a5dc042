// Who is here, and whose hand went up first.
import { memo } from 'react';
import { everybody, handQueue, SELF } from '../../room/state';
import { Avatar } from '../base/Avatar';
import { CopyButton } from '../base/CopyButton';
import { Icon } from '../base/Icon';
import { meetingPath } from '../home/address';
import { useMeeting, usePerson, useRoom } from './context';
import { Panel } from './Panel';
import styles from './PeoplePanel.module.css';

export function PeoplePanel() {
  const { conference } = useMeeting();
  const id = useRoom((state) => state.meeting?.id ?? '');
  // Keys as one string: the list renders again when somebody comes, goes or raises a hand, and not otherwise.
  const hands = useRoom((state) =>
    handQueue(state)
      .map(({ key }) => key)
      .join('\n'),
  );
  const count = useRoom((state) => state.order.length + 1);
  useRoom((state) => state.order);
  const raised = hands ? hands.split('\n') : [];
  const keys = everybody(conference.store.get()).map(({ key }) => key);
  return (
    <Panel title="Participants">
      <div className={styles.scroll}>
        {raised.length > 0 && (
          <section>
            <h3>Raised hands</h3>
            <ol>
              {raised.map((key, index) => (
                <Row key={key} personKey={key} place={index + 1} />
              ))}
            </ol>
          </section>
        )}
        <section>
          <h3>In the meeting · {count}</h3>
          <ul>
            {keys.map((key) => (
              <Row key={key} personKey={key} />
            ))}
          </ul>
        </section>
      </div>
      <footer className={styles.invite}>
        <CopyButton text={location.origin + meetingPath(id)} label="Copy invitation link" />
      </footer>
    </Panel>
  );
}

const Row = memo(function Row({ personKey, place }: { personKey: string; place?: number }) {
  const person = usePerson(personKey);
  const creator = useRoom((state) => state.meeting?.creator_id);
  if (!person) return null;
  const host = person.role === 'host' || person.userId === creator;
  return (
    <li className={styles.row} data-testid="participant" data-participant-id={person.participantId}>
      <Avatar id={person.userId} name={person.userName} size={36} />
      <span className={styles.name}>
        <span>{personKey === SELF ? `${person.userName} (you)` : person.userName}</span>
        {host && <small>Host</small>}
      </span>
      {place !== undefined ? (
        <span className={styles.place}>
          <Icon name="hand" size={17} />
          {place}
        </span>
      ) : (
        <span className={styles.media}>
          <MediaMark on={person.audio} name="mic" label="microphone" />
          <MediaMark on={person.video} name="camera" label="camera" />
        </span>
      )}
    </li>
  );
});

function MediaMark({ on, name, label }: { on: boolean; name: 'mic' | 'camera'; label: string }) {
  const words = `${label} ${on ? 'on' : 'off'}`;
  return (
    <span className={on ? undefined : styles.off} title={words}>
      <Icon name={on ? name : `${name}-off`} size={19} />
      <span className="visually-hidden">{words}</span>
    </span>
  );
}
