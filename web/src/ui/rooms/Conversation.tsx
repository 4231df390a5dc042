// One room: its people, its lines, and where to write.
import { useCallback, useState } from 'react';
import type { Rooms } from '../../chat/rooms';
import { typingWords } from '../../room/talk';
import type { ChatRoom } from '../../signaling/chat';
import type { User } from '../../signaling/meeting';
import { Avatar } from '../base/Avatar';
import { Button, IconButton } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Lines } from '../chat/Lines';
import { Writer } from '../chat/Writer';
import { navigate } from '../router';
import { useStore } from '../useStore';
import styles from './RoomsPage.module.css';

interface ConversationProps {
  rooms: Rooms;
  room: ChatRoom;
  user: User;
}

export function Conversation({ rooms, room, user }: ConversationProps) {
  const lines = useStore(rooms.store, (state) => state.lines);
  const more = useStore(rooms.store, (state) => state.more);
  const present = useStore(rooms.store, (state) => state.present);
  const typing = useStore(rooms.store, (state) => typingWords(state.typists.map(({ userName }) => userName)));
  const [showing, setShowing] = useState(false);
  const { members } = room;
  const nameOf = useCallback(
    (id: string) =>
      id === user.id ? 'you' : (members.find(({ userId }) => userId === id)?.userName ?? 'somebody'),
    [members, user.id],
  );
  const online = members.filter(({ userId }) => isHere(present[userId])).length;
  return (
    <>
      <header>
        <IconButton icon="left" label="All rooms" className={styles.back} onClick={() => navigate('/chat')} />
        <div className={styles.title}>
          <h2>{room.name}</h2>
          <p>
            {members.length === 1 ? '1 member' : `${members.length} members`}
            {online > 0 && `, ${online} online`}
          </p>
        </div>
        <IconButton icon="people" label="Members" onClick={() => setShowing(true)} />
      </header>
      {more && (
        <Button look="plain" className={styles.earlier} onClick={() => void rooms.earlier()}>
          Earlier messages
        </Button>
      )}
      <Lines
        messages={lines}
        ownId={user.id}
        nameOf={nameOf}
        empty="Everybody in this room can read what you write here."
        mayRemoveAll={room.owner === user.id}
        onReact={(id, emoji, add) => void rooms.react(id, emoji, add)}
        onEdit={(id, text) => rooms.edit(id, text)}
        onRemove={(id) => void rooms.remove(id)}
      />
      <Writer
        label={`Message to ${room.name}`}
        teller={rooms.typing}
        typing={typing}
        onSend={(text, files) => rooms.send(text, files)}
      />
      {showing && <Members rooms={rooms} room={room} present={present} onClose={() => setShowing(false)} />}
    </>
  );
}

interface MembersProps {
  rooms: Rooms;
  room: ChatRoom;
  present: Record<string, string>;
  onClose: () => void;
}

function Members({ rooms, room, present, onClose }: MembersProps) {
  const leave = async () => {
    if (!(await rooms.leave(room.roomId))) return;
    onClose();
    navigate('/chat');
  };
  return (
    <Dialog title={room.name} narrow onClose={onClose}>
      <ul className={styles.members}>
        {room.members.map(({ userId, userName }) => (
          <li key={userId}>
            <Avatar id={userId} name={userName} size={34} />
            <span>{userName}</span>
            <small>{userId === room.owner ? 'Owner' : isHere(present[userId]) ? present[userId] : ''}</small>
          </li>
        ))}
      </ul>
      <Button look="danger" wide onClick={leave}>
        Leave this room
      </Button>
    </Dialog>
  );
}

function isHere(status: string | undefined): boolean {
  return status !== undefined && status !== 'offline';
}
