// One meeting's page: lobby, meeting, goodbye.
import { useEffect, useRef, useState } from 'react';
import { LocalDevices } from '../../media/devices';
import { Conference } from '../../room/conference';
import { Controls } from '../../room/controls';
import { readable, SignalingError } from '../../signaling/errors';
import type { User } from '../../signaling/meeting';
import { Lobby, type Ticket } from '../lobby/Lobby';
import { notify } from '../notices';
import { type Services, useServices } from '../services';
import { logOut, session } from '../session';
import { useStore } from '../useStore';
import { show } from '../window';
import { MeetingContext, type MeetingParts } from './context';
import { Goodbye } from './Goodbye';
import { Levels } from './levels';
import { MeetingRoom } from './MeetingRoom';

/** As much of the chat's past as somebody reads who comes late. */
const HISTORY_LINES = 100;

interface PageProps {
  meetingId: string;
  user: User;
}

export function MeetingPage({ meetingId, user }: PageProps) {
  const services = useServices();
  const [devices] = useState(() => new LocalDevices());
  const [parts, setParts] = useState<MeetingParts | null>(null);
  const current = useRef<Conference | null>(null);

  useEffect(() => devices.attach(), [devices]);
  useEffect(() => {
    document.title = 'Join · Plenum';
    // Going elsewhere in the application is leaving; a closed tab is noticed by the server.
    return () => {
      if (current.current?.store.get().phase === 'inside') void current.current.leave();
      show(null);
    };
  }, []);

  const join = (ticket: Ticket) => {
    const conference = conferenceFor(services, meetingId, user, ticket);
    const controls = new Controls(conference, devices, notify);
    controls.begin(ticket.on);
    current.current = conference;
    show(conference);
    setParts({ conference, devices, controls, levels: new Levels() });
    conference.join();
  };
  const back = () => {
    show(null);
    setParts(null);
  };

  const lobby = { meetingId, user, devices, onJoin: join };
  if (!parts) {
    return <Lobby {...lobby} refusal={null} passwordWanted={false} progress="idle" onCancel={back} />;
  }
  return (
    <MeetingContext value={parts}>
      <Inside parts={parts} lobby={lobby} onBack={back} />
    </MeetingContext>
  );
}

interface InsideProps {
  parts: MeetingParts;
  lobby: { meetingId: string; user: User; devices: LocalDevices; onJoin: (ticket: Ticket) => void };
  onBack: () => void;
}

function Inside({ parts, lobby, onBack }: InsideProps) {
  const { store } = parts.conference;
  const phase = useStore(store, (state) => state.phase);
  const refusal = useStore(store, (state) => state.refusal);
  switch (phase) {
    case 'inside':
      return <MeetingRoom />;
    case 'left':
    case 'ended':
      return <Goodbye onRejoin={onBack} />;
    case 'outside':
    case 'joining':
    case 'waiting':
    case 'refused':
      return (
        <Lobby
          {...lobby}
          refusal={refusal && readable(new SignalingError(refusal))}
          passwordWanted={refusal?.toLowerCase().includes('password') ?? false}
          progress={phase === 'refused' ? 'idle' : phase === 'waiting' ? 'waiting' : 'joining'}
          onCancel={() => void parts.conference.leave().then(onBack)}
        />
      );
  }
}

function conferenceFor(services: Services, meetingId: string, user: User, ticket: Ticket): Conference {
  const signaling = services.openSignaling(session.get().token ?? '');
  return new Conference(
    { meetingId, userId: user.id, userName: ticket.userName, password: ticket.password },
    {
      signaling,
      openMedia: (config, onFailed) => services.openMedia(signaling, meetingId, config, onFailed),
      history: () => services.rest.chat(meetingId, HISTORY_LINES),
      notify,
      onLostLogin: logOut,
    },
  );
}
