// The conversation in writing.
import { useCallback, useId, useState } from 'react';
import type { Recipient } from '../../room/meetingChat';
import { mayChat, mayWrite, runsMeeting } from '../../room/rights';
import type { RoomState } from '../../room/state';
import { typingWords } from '../../room/talk';
import { Lines } from '../chat/Lines';
import { Writer } from '../chat/Writer';
import styles from './ChatPanel.module.css';
import { useMeeting, useRoom } from './context';
import { Panel } from './Panel';

export function ChatPanel() {
  const { chat, store } = useMeeting().conference;
  const messages = useRoom((state) => state.messages);
  const ownId = useRoom((state) => state.self.userId);
  const host = useRoom(runsMeeting);
  const typing = useRoom((state) => typingWords(state.typists.map(({ userName }) => userName)));
  const left = useRoom(mayChat);
  const writes = useRoom((state) => mayChat(state) && mayWrite(state));
  const [to, setTo] = useState<Recipient>({ type: 'all' });
  const there = useRoom((state) => to.type !== 'private' || isHere(state, to.id));
  const target: Recipient = there ? to : { type: 'all' };
  const nameOf = useCallback((userId: string) => nameIn(store.get(), userId), [store]);
  const words =
    target.type === 'all' ? 'everybody' : target.type === 'host' ? 'the hosts' : nameOf(target.id ?? '');
  return (
    <Panel title="Chat">
      <Lines
        messages={messages}
        ownId={ownId}
        nameOf={nameOf}
        empty={
          writes ? 'Everybody in the meeting can read what you write here.' : 'Nothing has been written yet.'
        }
        mayRemoveAll={host}
        onReact={(id, emoji, add) => void chat.react(id, emoji, add)}
        onEdit={(id, text) => chat.edit(id, text)}
        onRemove={(id) => void chat.remove(id)}
      />
      {writes ? (
        <Writer
          label={`Message to ${words}`}
          teller={chat.typing}
          typing={typing}
          onSend={(text, files) => chat.send(text, target, files)}
        >
          <To to={target} onChange={setTo} />
        </Writer>
      ) : (
        <p className={styles.silent}>
          {left
            ? 'This breakout room has no chat. You can read, and write again when you are back.'
            : 'Only hosts and co-hosts write in this meeting.'}
        </p>
      )}
    </Panel>
  );
}

function To({ to, onChange }: { to: Recipient; onChange: (to: Recipient) => void }) {
  const id = useId();
  const order = useRoom((state) => state.order);
  const people = useRoom((state) => state.people);
  if (order.length === 0) return null;
  const choose = (value: string) => {
    if (value === 'all' || value === 'host') onChange({ type: value });
    else onChange({ type: 'private', id: value.slice('user:'.length) });
  };
  return (
    <div className={styles.to}>
      <label htmlFor={id}>To</label>
      <select
        id={id}
        value={to.type === 'private' ? `user:${to.id}` : to.type}
        data-private={to.type !== 'all' || undefined}
        onChange={(event) => choose(event.target.value)}
      >
        <option value="all">Everybody</option>
        <option value="host">Hosts only</option>
        <optgroup label="One person">
          {order.map((key) => (
            <option key={key} value={`user:${people[key]?.userId}`}>
              {people[key]?.userName}
            </option>
          ))}
        </optgroup>
      </select>
    </div>
  );
}

function isHere(state: RoomState, userId: string | undefined): boolean {
  return state.order.some((key) => state.people[key]?.userId === userId);
}

/** The name of somebody who is here, or who wrote something; otherwise they are somebody. */
function nameIn(state: RoomState, userId: string): string {
  if (userId === state.self.userId) return 'you';
  const here = state.order.map((key) => state.people[key]).find((person) => person?.userId === userId);
  return (
    here?.userName ?? state.messages.find((line) => line.sender_id === userId)?.sender_name ?? 'somebody'
  );
}
