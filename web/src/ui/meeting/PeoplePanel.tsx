// Who is here, whose hand went up first, and for those who run the meeting what to do about it.
import { memo, useState } from 'react';
import { holds, isCreator, mayManage, ROLE_LABELS } from '../../room/rights';
import { everybody, handQueue, SELF } from '../../room/state';
import { Avatar } from '../base/Avatar';
import { Button, IconButton } from '../base/Button';
import { CopyButton } from '../base/CopyButton';
import { Icon } from '../base/Icon';
import { meetingPath } from '../home/address';
import { InviteDialog } from '../invite/InviteDialog';
import { useMeeting, usePerson, useRoom } from './context';
import { OwnQuality } from './OwnQuality';
import { Panel } from './Panel';
import styles from './PeoplePanel.module.css';
import { PersonDialog } from './PersonDialog';
import { QualityMark } from './QualityMark';

export function PeoplePanel() {
  const { conference } = useMeeting();
  const [chosen, setChosen] = useState<string | null>(null);
  const count = useRoom((state) => state.order.length + 1);
  useRoom((state) => state.order);
  const keys = everybody(conference.store.get()).map(({ key }) => key);
  return (
    <Panel title="Participants">
      <div className={styles.scroll}>
        <Hands />
        <section>
          <h3>In the meeting · {count}</h3>
          <ul>
            {keys.map((key) => (
              <Row key={key} personKey={key} onChoose={setChosen} />
            ))}
          </ul>
        </section>
      </div>
      <Footer />
      {chosen && <PersonDialog personKey={chosen} onClose={() => setChosen(null)} />}
    </Panel>
  );
}

function Hands() {
  const { desk } = useMeeting().conference;
  const manages = useRoom((state) => holds(state, 'can_manage_participants'));
  // Keys as one string: the list renders again when a hand goes up or down, and not otherwise.
  const hands = useRoom((state) =>
    handQueue(state)
      .map(({ key }) => key)
      .join('\n'),
  );
  if (hands === '') return null;
  return (
    <section>
      <div className={styles.head}>
        <h3>Raised hands</h3>
        {manages && (
          <Button look="plain" onClick={() => void desk.lowerAllHands()}>
            Lower all
          </Button>
        )}
      </div>
      <ol>
        {hands.split('\n').map((key, index) => (
          <HandRow key={key} personKey={key} place={index + 1} lowers={manages} />
        ))}
      </ol>
    </section>
  );
}

function HandRow({ personKey, place, lowers }: { personKey: string; place: number; lowers: boolean }) {
  const { desk } = useMeeting().conference;
  const person = usePerson(personKey);
  if (!person) return null;
  return (
    <li className={styles.row} data-testid="hand">
      <span className={styles.place}>
        <Icon name="hand" size={17} />
        {place}
      </span>
      <span className={styles.name}>
        <span>{personKey === SELF ? `${person.userName} (you)` : person.userName}</span>
      </span>
      {lowers && (
        <IconButton
          icon="check"
          label={`Lower the hand of ${person.userName}`}
          onClick={() => void desk.lowerHand(person.participantId)}
        />
      )}
    </li>
  );
}

const Row = memo(function Row({
  personKey,
  onChoose,
}: {
  personKey: string;
  onChoose: (key: string) => void;
}) {
  const person = usePerson(personKey);
  const creator = useRoom((state) => person !== undefined && isCreator(state, person));
  const manages = useRoom((state) => person !== undefined && mayManage(state, person));
  if (!person) return null;
  const label = creator ? ROLE_LABELS.host : person.role === 'attendee' ? null : ROLE_LABELS[person.role];
  return (
    <li className={styles.row} data-testid="participant" data-participant-id={person.participantId}>
      <Avatar id={person.userId} name={person.userName} size={36} />
      <span className={styles.name}>
        <span>{personKey === SELF ? `${person.userName} (you)` : person.userName}</span>
        {label && <small>{label}</small>}
      </span>
      <span className={styles.media}>
        {personKey === SELF ? <OwnQuality /> : <QualityMark quality={person.quality} place="list" />}
        <MediaMark on={person.audio} name="mic" label="microphone" />
        <MediaMark on={person.video} name="camera" label="camera" />
      </span>
      {manages && (
        <IconButton icon="more" label={`Manage ${person.userName}`} onClick={() => onChoose(personKey)} />
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

function Footer() {
  const meetingId = useRoom((state) => state.meeting?.id ?? '');
  const manages = useRoom((state) => holds(state, 'can_manage_participants'));
  const [inviting, setInviting] = useState(false);
  return (
    <footer className={styles.invite}>
      {manages && (
        <Button look="filled" icon="person-plus" onClick={() => setInviting(true)}>
          Invite people
        </Button>
      )}
      <CopyButton text={location.origin + meetingPath(meetingId)} label="Copy invitation link" />
      {inviting && <InviteDialog meetingId={meetingId} onClose={() => setInviting(false)} />}
    </footer>
  );
}
