// The lines of a conversation, newest at the bottom.
import { useLayoutEffect, useRef } from 'react';
import type { ChatMessage } from '../../signaling/chat';
import { Line, type LineActions } from './Line';
import styles from './Lines.module.css';

/** Lines of one person within this time share one head. */
const TOGETHER_MS = 3 * 60_000;

interface LinesProps extends LineActions {
  messages: ChatMessage[];
  ownId: string;
  /** Names of people by user id, for private lines and reactions. */
  nameOf: (userId: string) => string;
  empty: string;
}

export function Lines({ messages, ownId, nameOf, empty, ...actions }: LinesProps) {
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
        <p>{empty}</p>
      </div>
    );
  }
  const last = messages.at(-1);
  const seenBy = last?.sender_id === ownId ? (last.seenBy ?? []) : [];
  return (
    <ol ref={list} className={styles.lines} onScroll={scrolled} aria-label="Messages">
      {messages.map((line, index) => (
        <Line
          key={line.id}
          line={line}
          own={line.sender_id === ownId}
          ownId={ownId}
          nameOf={nameOf}
          together={follows(messages[index - 1], line)}
          {...actions}
        />
      ))}
      {seenBy.length > 0 && (
        <li className={styles.seen} title={seenBy.map(nameOf).join(', ')}>
          Seen by {seenBy.length === 1 ? nameOf(seenBy[0] ?? '') : seenBy.length}
        </li>
      )}
    </ol>
  );
}

function follows(before: ChatMessage | undefined, line: ChatMessage): boolean {
  return (
    before?.sender_id === line.sender_id &&
    before.recipientType === line.recipientType &&
    before.recipientId === line.recipientId &&
    Date.parse(line.timestamp) - Date.parse(before.timestamp) < TOGETHER_MS
  );
}
