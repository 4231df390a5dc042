// Inside: stage, panel, bar.
import { useEffect, useState } from 'react';
import { Announcer } from './Announcer';
import { Banner } from './Banner';
import { BreakoutMark } from './BreakoutMark';
import { ChatPanel } from './ChatPanel';
import { ControlBar } from './ControlBar';
import { useMeeting, useRoom } from './context';
import { DeviceDialog } from './DeviceDialog';
import { LeaveDialog } from './LeaveDialog';
import styles from './MeetingRoom.module.css';
import { NumbersPanel } from './NumbersPanel';
import { PeoplePanel } from './PeoplePanel';
import { Presence } from './Presence';
import { RecordingDialog, RecordingMark } from './RecordingMark';
import { RemoteAudio } from './RemoteAudio';
import { RoomsPanel } from './RoomsPanel';
import { SecurityDialog } from './SecurityDialog';
import { ShortcutsDialog } from './ShortcutsDialog';
import { Stage } from './Stage';
import { useShortcuts } from './shortcuts';
import { useWakeLock } from './useWakeLock';
import { WaitingPeople } from './WaitingPeople';

export type OpenDialog = 'devices' | 'shortcuts' | 'leave' | 'record' | 'security' | null;

export function MeetingRoom() {
  const { conference, devices, controls, levels } = useMeeting();
  const panel = useRoom((state) => state.panel);
  const name = useRoom((state) => state.meeting?.meeting_name ?? 'Meeting');
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const close = () => setDialog(null);

  useEffect(() => {
    document.title = `${name} · Plenum`;
  }, [name]);
  useEffect(() => levels.run(conference, devices), [levels, conference, devices]);
  useEffect(() => controls.watch(), [controls]);
  useWakeLock();
  useShortcuts(controls, conference, setDialog);

  return (
    <main className={styles.room} data-panel={panel ?? undefined} data-testid="meeting-room">
      <h1 className="visually-hidden">{name}</h1>
      <Banner />
      <RecordingMark />
      <BreakoutMark />
      <WaitingPeople />
      <div className={styles.middle}>
        <Stage />
        {panel === 'chat' && <ChatPanel />}
        {panel === 'people' && <PeoplePanel />}
        {panel === 'numbers' && <NumbersPanel />}
        {panel === 'rooms' && <RoomsPanel />}
      </div>
      <ControlBar onDialog={setDialog} />
      <RemoteAudio />
      <Presence />
      <Announcer />
      {dialog === 'devices' && <DeviceDialog onClose={close} />}
      {dialog === 'shortcuts' && <ShortcutsDialog onClose={close} />}
      {dialog === 'record' && <RecordingDialog onClose={close} />}
      {dialog === 'security' && <SecurityDialog onClose={close} />}
      {dialog === 'leave' && <LeaveDialog onClose={close} />}
    </main>
  );
}
