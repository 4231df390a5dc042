// What was written in a meeting, to read afterwards.
import { useState } from 'react';
import { type TalkAction, talk } from '../../room/talk';
import type { ChatMessage } from '../../signaling/chat';
import { readable } from '../../signaling/errors';
import type { Meeting, User } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { Lines } from '../chat/Lines';
import { notify } from '../notices';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import { mayInvite } from './DetailPage';
import styles from './DetailPage.module.css';

const PAGE = 100;

export function ChatHistory({ meeting, user }: { meeting: Meeting; user: User }) {
  const { rest } = useServices();
  const { value: newest, error } = useLoaded(() => rest.chat.lines(meeting.id, PAGE), [rest, meeting.id]);
  const [older, setOlder] = useState<ChatMessage[]>([]);
  const [exhausted, setExhausted] = useState(false);
  const [changes, setChanges] = useState<TalkAction[]>([]);
  const lines = changes.reduce(talk, [...older, ...(newest ?? [])]);
  const more = !exhausted && newest?.length === PAGE;

  const loadOlder = async () => {
    try {
      const page = await rest.chat.lines(meeting.id, PAGE, lines[0]?.id);
      setOlder((before) => [...page, ...before]);
      setExhausted(page.length < PAGE);
    } catch (failure) {
      notify(readable(failure), 'error');
    }
  };
  const act = async (asked: Promise<void>, change: TalkAction): Promise<boolean> => {
    try {
      await asked;
      setChanges((before) => [...before, change]);
      return true;
    } catch (failure) {
      notify(readable(failure), 'error');
      return false;
    }
  };
  const nameOf = (id: string) =>
    meeting.participants.find(({ user_id }) => user_id === id)?.name ??
    lines.find((line) => line.sender_id === id)?.sender_name ??
    'somebody';
  return (
    <section className={styles.box} aria-label="Chat">
      <header>
        <h2>Chat</h2>
        {more && (
          <Button look="plain" onClick={loadOlder}>
            Earlier messages
          </Button>
        )}
      </header>
      {error && <p className={styles.none}>{error}</p>}
      {newest && lines.length === 0 && <p className={styles.none}>Nothing was written.</p>}
      {lines.length > 0 && (
        <div className={styles.chat}>
          <Lines
            messages={lines}
            ownId={user.id}
            nameOf={nameOf}
            empty=""
            mayRemoveAll={mayInvite(meeting, user)}
            onReact={(id, emoji, added) =>
              void act(rest.chat.react(id, emoji, added), {
                type: 'message-reaction',
                id,
                emoji,
                userId: user.id,
                added,
              })
            }
            onEdit={(id, text) => act(rest.chat.edit(id, text), { type: 'message-edited', id, text })}
            onRemove={(id) => void act(rest.chat.remove(id), { type: 'message-deleted', id })}
          />
        </div>
      )}
    </section>
  );
}
