// The conversation in writing.
import { type FormEvent, type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { ChatMessage } from '../../signaling/events';
import { IconButton } from '../base/Button';
import { clock } from '../home/when';
import styles from './ChatPanel.module.css';
import { useMeeting, useRoom } from './context';
import { Panel } from './Panel';
import { linked } from './text';

/** The server takes no longer lines. */
const LENGTH_MAX = 4_000;
/** Lines of one person within this time share one head. */
const TOGETHER_MS = 3 * 60_000;

export function ChatPanel() {
  const messages = useRoom((state) => state.messages);
  return (
    <Panel title="Chat">
      <Lines messages={messages} />
      <Writer />
    </Panel>
  );
}

function Lines({ messages }: { messages: ChatMessage[] }) {
  const ownId = useRoom((state) => state.self.userId);
  const list = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line is the reason to scroll
  useLayoutEffect(() => {
    if (atEnd.current) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [messages]);
  const scrolled = () => {
    const element = list.current;
    if (element) atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
  };
  if (messages.length === 0) {
    return (
      <div className={styles.empty}>
        <p>No messages yet.</p>
        <p>Everybody in the meeting can read what you write here.</p>
      </div>
    );
  }
  return (
    <ol ref={list} className={styles.lines} onScroll={scrolled} aria-live="polite" aria-label="Messages">
      {messages.map((line, index) => (
        <Line key={line.id} line={line} own={line.sender_id === ownId} before={messages[index - 1]} />
      ))}
    </ol>
  );
}

function Line({ line, own, before }: { line: ChatMessage; own: boolean; before: ChatMessage | undefined }) {
  const at = Date.parse(line.timestamp);
  const together = before?.sender_id === line.sender_id && at - Date.parse(before.timestamp) < TOGETHER_MS;
  return (
    <li className={own ? styles.own : styles.other} data-testid="chat-message">
      {!together && (
        <p className={styles.head}>
          <strong>{own ? 'You' : line.sender_name}</strong>
          <time dateTime={line.timestamp}>{clock(at)}</time>
        </p>
      )}
      <p className={styles.text}>
        {linked(line.message).map((part) =>
          part.href ? (
            <a key={part.at} href={part.href} target="_blank" rel="noopener noreferrer">
              {part.text}
            </a>
          ) : (
            part.text
          ),
        )}
      </p>
    </li>
  );
}

function Writer() {
  const { conference } = useMeeting();
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);

  const send = async (event?: FormEvent) => {
    event?.preventDefault();
    const line = text.trim();
    if (!line) return;
    setText('');
    // What was not taken comes back to the writer, unless something new is there already.
    if (!(await conference.send(line))) setText((now) => now || line);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form className={styles.writer} onSubmit={send}>
      <textarea
        ref={field}
        rows={1}
        aria-label="Message to everybody"
        placeholder="Message to everybody"
        maxLength={LENGTH_MAX}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={key}
      />
      <IconButton icon="send" label="Send" type="submit" disabled={!text.trim()} className={styles.send} />
    </form>
  );
}
