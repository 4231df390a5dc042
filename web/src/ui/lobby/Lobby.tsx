// The door of a meeting: how one looks and sounds, under which name, and whether one may come in.
import { type FormEvent, useEffect, useState } from 'react';
import type { LocalDevices } from '../../media/devices';
import type { User } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { Field, FormError } from '../base/Field';
import { Icon } from '../base/Icon';
import { Header } from '../home/Header';
import { Link } from '../router';
import { useStore } from '../useStore';
import { DevicePicker } from './DevicePicker';
import styles from './Lobby.module.css';
import { MicMeter } from './MicMeter';
import { Preview } from './Preview';
import { type Access, useAccess } from './useAccess';
import { WaitingRoom } from './WaitingRoom';

export interface Ticket {
  userName: string;
  password: string | undefined;
  on: { camera: boolean; microphone: boolean };
}

interface LobbyProps {
  meetingId: string;
  user: User;
  devices: LocalDevices;
  /** What the last attempt to join met, as a sentence. */
  refusal: string | null;
  passwordWanted: boolean;
  progress: 'idle' | 'joining' | 'waiting';
  onJoin: (ticket: Ticket) => void;
  onCancel: () => void;
}

/** The switches of the last lobby are the best guess for this one. */
const MEMORY = 'plenum.switches';

function rememberedSwitches(): Ticket['on'] {
  const saved = sessionStorage.getItem(MEMORY) ?? '';
  return { camera: !saved.includes('camera-off'), microphone: !saved.includes('microphone-off') };
}

export function Lobby({
  meetingId,
  user,
  devices,
  refusal,
  passwordWanted,
  progress,
  onJoin,
  onCancel,
}: LobbyProps) {
  const { access } = useAccess(meetingId);
  const [name, setName] = useState(user.name);
  const [password, setPassword] = useState('');
  const [on, setOn] = useState(rememberedSwitches);
  const microphone = useStore(devices.store, (state) => state.microphone);
  const needsPassword = access.state === 'password' || passwordWanted;

  useEffect(() => {
    const { camera, microphone } = rememberedSwitches();
    if (camera && !devices.store.get().camera) void devices.open('camera');
    if (microphone && !devices.store.get().microphone) void devices.open('microphone');
  }, [devices]);

  const toggle = (device: 'camera' | 'microphone') => {
    const next = { ...on, [device]: !on[device] };
    setOn(next);
    const off = (['camera', 'microphone'] as const).filter((each) => !next[each]);
    sessionStorage.setItem(MEMORY, off.map((each) => `${each}-off`).join(' '));
    void (next[device] ? devices.open(device) : devices.close(device));
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    onJoin({ userName: name.trim() || user.name, password: password || undefined, on });
  };

  const closed = access.state === 'closed';
  const title = titleOf(access);
  return (
    <>
      <Header user={user} />
      <main className={styles.page}>
        <section className={styles.look} aria-label="Your camera and microphone">
          <Preview devices={devices} userId={user.id} userName={name} on={on} onToggle={toggle} />
          <div className={styles.meter}>
            <Icon name={on.microphone && microphone ? 'mic' : 'mic-off'} size={18} />
            <MicMeter track={on.microphone ? microphone : null} />
          </div>
        </section>
        {progress === 'waiting' ? (
          <WaitingRoom name={title} onCancel={onCancel} />
        ) : (
          <form className={styles.form} onSubmit={submit}>
            <div>
              <h1>{title}</h1>
              {access.state === 'open' && access.access.meeting.status === 'live' && (
                <p className={styles.live}>The meeting is on</p>
              )}
            </div>
            {refusal && progress === 'idle' && <FormError>{refusal}</FormError>}
            <Notice access={access} />
            {closed ? (
              <Link href="/">Back to your meetings</Link>
            ) : (
              <>
                <Field
                  label="Your name"
                  value={name}
                  maxLength={100}
                  autoComplete="off"
                  onChange={(event) => setName(event.target.value)}
                />
                {needsPassword && (
                  <Field
                    label="Meeting password"
                    type="password"
                    autoComplete="off"
                    value={password}
                    onChange={(event) => setPassword(event.target.value)}
                  />
                )}
                <details className={styles.devices}>
                  <summary>Choose devices</summary>
                  <DevicePicker devices={devices} onChoose={(kind, id) => void devices.choose(kind, id)} />
                </details>
                <JoinButton access={access} progress={progress} ready={!needsPassword || password !== ''} />
              </>
            )}
          </form>
        )}
      </main>
    </>
  );
}

function titleOf(access: Access): string {
  switch (access.state) {
    case 'open':
      return access.access.meeting.name;
    case 'password':
      return access.name ?? 'Ready to join?';
    case 'closed':
      return 'You cannot join';
    case 'asking':
    case 'not-yet':
    case 'unreachable':
      return 'Ready to join?';
  }
}

function JoinButton({
  access,
  progress,
  ready,
}: {
  access: Access;
  progress: LobbyProps['progress'];
  ready: boolean;
}) {
  const may = access.state === 'open' || access.state === 'password';
  const asks = access.state === 'open' && !access.access.canJoin;
  const starts =
    access.state === 'open' && access.access.canJoin && access.access.meeting.status === 'scheduled';
  return (
    <Button type="submit" look="filled" wide busy={progress !== 'idle'} disabled={!may || !ready}>
      {starts ? 'Start meeting' : asks ? 'Ask to join' : 'Join meeting'}
    </Button>
  );
}

function Notice({ access }: { access: Access }) {
  switch (access.state) {
    case 'not-yet':
      return (
        <p className={styles.notYet} role="status">
          {access.message}
        </p>
      );
    case 'closed':
    case 'unreachable':
      return <FormError>{access.message}</FormError>;
    case 'asking':
    case 'open':
    case 'password':
      return null;
  }
}
