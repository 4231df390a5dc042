// Breakout rooms: opened, filled, spoken to and closed by those who may; chosen and left by the others.
import { type FormEvent, useState } from 'react';
import { type BreakoutRoom, peopleIn, placeOf } from '../../room/breakouts';
import { holds, mayChooseRoom, mayReturn } from '../../room/rights';
import { everybody, SELF } from '../../room/state';
import type { BreakoutPlan } from '../../signaling/breakouts';
import { readable } from '../../signaling/errors';
import { Avatar } from '../base/Avatar';
import { Button } from '../base/Button';
import { Field, Select, Switch } from '../base/Field';
import { notify } from '../notices';
import { useServices } from '../services';
import { useMeeting, useRoom } from './context';
import { Panel } from './Panel';
import styles from './RoomsPanel.module.css';
import { useTimeLeft } from './useTimeLeft';

const ROOMS_MAX = 100;
const MAIN = 'Main room';

export function RoomsPanel() {
  const manages = useRoom((state) => holds(state, 'can_manage_breakout_rooms'));
  const open = useRoom((state) => state.breakouts !== null);
  return (
    <Panel title="Breakout rooms">
      {open ? <Rooms manages={manages} /> : manages ? <OpenForm /> : <Closed />}
    </Panel>
  );
}

function Closed() {
  return <p className={styles.note}>No breakout rooms are open.</p>;
}

function OpenForm() {
  const act = useRequests();
  const [count, setCount] = useState('2');
  const [spread, setSpread] = useState(true);
  const [choose, setChoose] = useState(false);
  const [back, setBack] = useState(true);
  const [minutes, setMinutes] = useState('');
  const rooms = Number(count);
  const valid = Number.isInteger(rooms) && rooms >= 1 && rooms <= ROOMS_MAX;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const plan: BreakoutPlan = {
      room_count: rooms,
      auto_assign: spread,
      allow_participants_to_choose: choose,
      allow_participants_to_return: back,
    };
    if (minutes) plan.time_limit_minutes = Number(minutes);
    if (valid) void act.ask((rest, meetingId) => rest.open(meetingId, plan));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <p className={styles.lead}>People in a room hear and see each other and nobody else.</p>
      <Field
        label="How many rooms"
        type="number"
        min={1}
        max={ROOMS_MAX}
        value={count}
        error={valid ? null : `Between 1 and ${ROOMS_MAX}`}
        onChange={(event) => setCount(event.target.value)}
      />
      <Select label="Time limit" value={minutes} options={LIMITS} onChange={setMinutes} />
      <Switch label="Spread everybody over the rooms" checked={spread} onChange={setSpread} />
      <Switch label="People may choose their room" checked={choose} onChange={setChoose} />
      <Switch label="People may come back by themselves" checked={back} onChange={setBack} />
      <Button look="filled" type="submit" wide busy={act.busy} disabled={!valid}>
        Open rooms
      </Button>
    </form>
  );
}

const LIMITS = [
  { value: '', label: 'None' },
  ...[5, 10, 15, 20, 30, 45, 60, 90].map((count) => ({ value: String(count), label: `${count} minutes` })),
];

function Rooms({ manages }: { manages: boolean }) {
  const { desk } = useMeeting().conference;
  const rooms = useRoom((state) => state.breakouts?.rooms);
  const closesAt = useRoom((state) => state.breakouts?.closesAt ?? null);
  const returns = useRoom(mayReturn);
  const left = useTimeLeft(closesAt);
  return (
    <>
      <div className={styles.scroll}>
        {left && <p className={styles.left}>{left}</p>}
        {rooms?.map((room) => (
          <Room key={room.roomId} room={room} manages={manages} />
        ))}
        <Room room={null} manages={manages} />
        {returns && (
          <Button wide onClick={() => void desk.returnFromRoom()}>
            Return to the main room
          </Button>
        )}
      </div>
      {manages && <ForAll />}
    </>
  );
}

function Room({ room, manages }: { room: BreakoutRoom | null; manages: boolean }) {
  const { conference } = useMeeting();
  const id = room?.roomId ?? null;
  const chooses = useRoom(mayChooseRoom);
  const here = useRoom((state) => placeOf(state.breakouts, state.self.participantId) === id);
  // Keys as one string: the list renders again when somebody comes or goes, and not otherwise.
  const keys = useRoom((state) =>
    peopleIn(state.breakouts, everybody(state), id)
      .map(({ key }) => key)
      .join('\n'),
  );
  const inside = keys === '' ? [] : keys.split('\n');
  const places = room?.capacity == null ? '' : ` of ${room.capacity}`;
  return (
    <section className={styles.room} data-testid="breakout-room" data-room-id={id ?? undefined}>
      <header>
        <h3>
          {room?.name ?? MAIN}
          <small>
            {inside.length}
            {places}
          </small>
        </h3>
        {room && chooses && !here && (
          <Button
            look="plain"
            aria-label={`Join ${room.name}`}
            onClick={() => void conference.desk.chooseRoom(room.roomId)}
          >
            Join
          </Button>
        )}
        {here && <span className={styles.here}>You are here</span>}
      </header>
      {room?.description && <p className={styles.note}>{room.description}</p>}
      {room && !(room.allowChat && room.allowScreenShare) && <p className={styles.note}>{limitsOf(room)}</p>}
      <ul>
        {inside.map((key) => (
          <Person key={key} personKey={key} roomId={id} manages={manages} />
        ))}
      </ul>
    </section>
  );
}

function limitsOf({ allowChat, allowScreenShare }: BreakoutRoom): string {
  if (!allowChat && !allowScreenShare) return 'No chat and no screens in here';
  return allowChat ? 'No screens in here' : 'No chat in here';
}

interface PersonProps {
  personKey: string;
  roomId: string | null;
  manages: boolean;
}

function Person({ personKey, roomId, manages }: PersonProps) {
  const { conference } = useMeeting();
  const person = useRoom((state) => (personKey === SELF ? state.self : state.people[personKey]));
  const rooms = useRoom((state) => state.breakouts?.rooms);
  if (!person) return null;
  const { participantId, userId, userName } = person;
  return (
    <li className={styles.person} data-testid="breakout-person" data-participant-id={participantId}>
      <Avatar id={userId} name={userName} size={28} />
      <span className={styles.name}>{personKey === SELF ? `${userName} (you)` : userName}</span>
      {manages && (
        <select
          aria-label={`Room of ${userName}`}
          value={roomId ?? ''}
          onChange={(event) => void conference.desk.place(participantId, event.target.value || null)}
        >
          <option value="">{MAIN}</option>
          {rooms?.map((room) => (
            <option key={room.roomId} value={room.roomId}>
              {room.name}
            </option>
          ))}
        </select>
      )}
    </li>
  );
}

/** What reaches all rooms. */
function ForAll() {
  const act = useRequests();
  const [text, setText] = useState('');
  const say = async (event: FormEvent) => {
    event.preventDefault();
    const message = text.trim();
    if (message && (await act.ask((rest, meetingId) => rest.broadcast(meetingId, message)))) {
      notify('Said in all rooms.');
      setText('');
    }
  };
  return (
    <footer className={styles.all}>
      <form onSubmit={(event) => void say(event)}>
        <input
          aria-label="Message to all rooms"
          placeholder="Message to all rooms"
          maxLength={4000}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit" disabled={act.busy || text.trim() === ''}>
          Send
        </Button>
      </form>
      <div>
        <Button disabled={act.busy} onClick={() => void act.ask((rest, id) => rest.callBack(id))}>
          Call everybody back
        </Button>
        <Button look="danger" disabled={act.busy} onClick={() => void act.ask((rest, id) => rest.close(id))}>
          Close rooms
        </Button>
      </div>
    </footer>
  );
}

type Breakouts = ReturnType<typeof useServices>['rest']['breakouts'];

/** Requests about all rooms, one at a time; says whether each was granted. */
function useRequests() {
  const { breakouts } = useServices().rest;
  const meetingId = useRoom((state) => state.meeting?.id ?? '');
  const [busy, setBusy] = useState(false);
  const ask = async (request: (rest: Breakouts, meetingId: string) => Promise<void>): Promise<boolean> => {
    setBusy(true);
    try {
      await request(breakouts, meetingId);
      return true;
    } catch (error) {
      notify(readable(error), 'error');
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, ask };
}
