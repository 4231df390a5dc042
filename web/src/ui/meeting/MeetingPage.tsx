// One meeting's page: lobby, meeting, goodbye.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { LocalDevices } from '../../media/devices';
import { Conference } from '../../room/conference';
import { Controls } from '../../room/controls';
import type { Phase } from '../../room/state';
import { readable, SignalingError } from '../../signaling/errors';
import type { User } from '../../signaling/meeting';
import { Lobby, type Ticket } from '../lobby/Lobby';
import { notify } from '../notices';
import { type Services, useServices } from '../services';
import { logOut, session } from '../session';
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
    // Going elsewhere in the application is leaving. A closed tab says so too: a link that is merely lost keeps its place.
    const closed = () => current.current?.hangUp();
    const restored = ({ persisted }: PageTransitionEvent) => persisted && location.reload();
    addEventListener('pagehide', closed);
    addEventListener('pageshow', restored);
    return () => {
      removeEventListener('pagehide', closed);
      removeEventListener('pageshow', restored);
      if (current.current?.present) void current.current.leave();
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

  const phase = usePhase(parts);
  const refusal = parts?.conference.store.get().refusal ?? null;
  return <MeetingContext value={parts}>{page()}</MeetingContext>;

  // The lobby stays one and the same element from the first look to the open door: its devices must not be opened anew.
  function page() {
    switch (phase) {
      case 'inside':
        return <MeetingRoom />;
      case 'left':
      case 'removed':
      case 'ended':
        return <Goodbye onRejoin={back} />;
      case 'outside':
      case 'joining':
      case 'waiting':
      case 'refused':
        return (
          <Lobby
            meetingId={meetingId}
            user={user}
            devices={devices}
            refusal={refusal && readable(new SignalingError(refusal))}
            passwordWanted={refusal?.toLowerCase().includes('password') ?? false}
            progress={phase === 'joining' || phase === 'waiting' ? phase : 'idle'}
            onJoin={join}
            onCancel={() => void parts?.conference.leave().then(back)}
          />
        );
    }
  }
}

const unsubscribed = () => () => undefined;

function usePhase(parts: MeetingParts | null): Phase {
  const store = parts?.conference.store;
  return useSyncExternalStore(store?.subscribe ?? unsubscribed, () => store?.get().phase ?? 'outside');
}

function conferenceFor(services: Services, meetingId: string, user: User, ticket: Ticket): Conference {
  const signaling = services.openSignaling(session.get().token ?? '');
  return new Conference(
    { meetingId, userId: user.id, userName: ticket.userName, password: ticket.password },
    {
      signaling,
      openMedia: (config, onFailed) => services.openMedia(signaling, meetingId, config, onFailed),
      chat: {
        history: () => services.rest.chat.lines(meetingId, HISTORY_LINES),
        edit: (id, text) => services.rest.chat.edit(id, text),
        remove: (id) => services.rest.chat.remove(id),
        react: (id, emoji, add) => services.rest.chat.react(id, emoji, add),
      },
      notify,
      onLostLogin: logOut,
    },
  );
}
