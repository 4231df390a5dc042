// The standing chat rooms: a list beside the open conversation, one after the other on a phone.
import { useEffect, useState } from 'react';
import { Rooms } from '../../chat/rooms';
import type { ChatRoom } from '../../signaling/chat';
import type { User } from '../../signaling/meeting';
import { Button, IconButton } from '../base/Button';
import { FormError } from '../base/Field';
import { Mark } from '../base/Logo';
import { Header } from '../home/Header';
import { clock, day } from '../home/when';
import { notify } from '../notices';
import { Link, navigate } from '../router';
import { type Services, useServices } from '../services';
import { logOut, session } from '../session';
import { useStore } from '../useStore';
import { Conversation } from './Conversation';
import { NewRoomDialog } from './NewRoomDialog';
import styles from './RoomsPage.module.css';

export function roomPath(roomId: string): string {
  return `/chat/${encodeURIComponent(roomId)}`;
}

export function RoomsPage({ roomId, user }: { roomId: string | null; user: User }) {
  const services = useServices();
  const [rooms, setRooms] = useState<Rooms | null>(null);
  useEffect(() => {
    document.title = 'Chat · Plenum';
    const made = roomsFor(services, user);
    setRooms(made);
    return made.start();
  }, [services, user]);
  useEffect(() => void rooms?.open(roomId), [rooms, roomId]);
  return (
    <>
      <Header user={user} />
      {rooms && <Page rooms={rooms} roomId={roomId} user={user} />}
    </>
  );
}

function roomsFor(services: Services, user: User): Rooms {
  return new Rooms({
    signaling: services.openSignaling(session.get().token ?? ''),
    rest: services.rest.chat,
    ownId: user.id,
    watched: () => document.visibilityState === 'visible',
    notify,
    onLostLogin: logOut,
  });
}

interface PageProps {
  rooms: Rooms;
  roomId: string | null;
  user: User;
}

function Page({ rooms, roomId, user }: PageProps) {
  const list = useStore(rooms.store, (state) => state.rooms);
  const error = useStore(rooms.store, (state) => state.error);
  const [making, setMaking] = useState(false);
  const open = list?.find((room) => room.roomId === roomId);
  return (
    <main className={styles.page} data-open={roomId ?? undefined}>
      <nav className={styles.list} aria-label="Chat rooms">
        <header>
          <h1>Chat</h1>
          <IconButton icon="plus" label="New room" onClick={() => setMaking(true)} />
        </header>
        {error && <FormError>{error}</FormError>}
        {list?.length === 0 && <p className={styles.none}>You are in no room yet.</p>}
        <ul>
          {list?.map((room) => (
            <Entry key={room.roomId} room={room} open={room === open} />
          ))}
        </ul>
      </nav>
      <section className={styles.conversation} aria-label={open?.name ?? 'Conversation'}>
        {open ? (
          <Conversation key={open.roomId} rooms={rooms} room={open} user={user} />
        ) : (
          <div className={styles.choose}>
            <Mark size={56} />
            <p>
              {roomId && list
                ? 'This room does not exist, or you are not in it.'
                : 'Choose a room, or make one.'}
            </p>
            <Button look="filled" icon="plus" onClick={() => setMaking(true)}>
              New room
            </Button>
          </div>
        )}
      </section>
      {making && (
        <NewRoomDialog
          rooms={rooms}
          onMade={(made) => {
            setMaking(false);
            navigate(roomPath(made.roomId));
          }}
          onClose={() => setMaking(false)}
        />
      )}
    </main>
  );
}

function Entry({ room, open }: { room: ChatRoom; open: boolean }) {
  const { last } = room;
  const at = Date.parse(last?.timestamp ?? room.createdAt);
  const when = day(at, Date.now());
  return (
    <li>
      <Link href={roomPath(room.roomId)} className={styles.room} aria-current={open ? 'page' : undefined}>
        <strong>{room.name}</strong>
        <time dateTime={last?.timestamp ?? room.createdAt}>{when === 'Today' ? clock(at) : when}</time>
        <small>{last ? words(last) : 'Nothing written yet'}</small>
        {room.unread > 0 && (
          <span className={styles.badge}>
            {room.unread > 99 ? '99+' : room.unread}
            <span className="visually-hidden"> unread</span>
          </span>
        )}
      </Link>
    </li>
  );
}

function words({ sender_name, message, deleted }: NonNullable<ChatRoom['last']>): string {
  return `${sender_name}: ${deleted ? 'deleted a message' : message || 'sent a file'}`;
}
