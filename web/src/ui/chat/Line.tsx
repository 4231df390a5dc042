// One line of a conversation: text, files, reactions, and what its reader or writer may do to it.
import { type KeyboardEvent, memo, useRef, useState } from 'react';
import type { ChatMessage } from '../../signaling/chat';
import { Button } from '../base/Button';
import { Icon, type IconName } from '../base/Icon';
import { useDismiss } from '../base/useDismiss';
import { clock } from '../home/when';
import { EmojiPicker } from './EmojiPicker';
import { emojiName } from './emoji';
import { Files } from './Files';
import styles from './Line.module.css';
import { linked } from './text';

export interface LineActions {
  /** Whoever runs the conversation may delete what others wrote. */
  mayRemoveAll: boolean;
  onReact: (id: string, emoji: string, add: boolean) => void;
  /** Resolves to false when the new text was not taken. */
  onEdit: (id: string, text: string) => Promise<boolean>;
  onRemove: (id: string) => void;
}

interface LineProps extends LineActions {
  line: ChatMessage;
  own: boolean;
  ownId: string;
  nameOf: (userId: string) => string;
  /** The line before is of the same person and moment: no new head. */
  together: boolean;
}

export const Line = memo(function Line(props: LineProps) {
  const { line, own, nameOf, together, onEdit } = props;
  const [editing, setEditing] = useState(false);
  const at = Date.parse(line.timestamp);
  return (
    <li className={`${styles.line} ${own ? styles.own : styles.other}`} data-testid="chat-message">
      {!together && (
        <p className={styles.head}>
          <strong>{own ? 'You' : line.sender_name}</strong>
          <time dateTime={line.timestamp}>{clock(at)}</time>
          <Whom line={line} own={own} nameOf={nameOf} />
        </p>
      )}
      {editing ? (
        <Editor
          text={line.message}
          onSave={async (text) => {
            if (text === line.message || (await onEdit(line.id, text))) setEditing(false);
          }}
          onCancel={() => setEditing(false)}
        />
      ) : (
        <Body {...props} onEditing={() => setEditing(true)} />
      )}
    </li>
  );
});

function Whom({ line, own, nameOf }: Pick<LineProps, 'line' | 'own' | 'nameOf'>) {
  if (line.recipientType === 'all') return null;
  if (line.recipientType === 'host') return <span className={styles.whom}>to the hosts</span>;
  return (
    <span className={styles.whom}>{own ? `only to ${nameOf(line.recipientId ?? '')}` : 'only to you'}</span>
  );
}

function Body(props: LineProps & { onEditing: () => void }) {
  const { line } = props;
  const [chosen, setChosen] = useState(false);
  if (line.deleted) {
    return <p className={`${styles.text} ${styles.gone}`}>This message was deleted.</p>;
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a finger has no hover; the keyboard reaches the tools by itself
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <div className={styles.row} data-chosen={chosen || undefined} onClick={() => setChosen(!chosen)}>
      {line.message && (
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
          {line.edited && <span className={styles.edited}>edited</span>}
        </p>
      )}
      {line.attachments && line.attachments.length > 0 && <Files files={line.attachments} />}
      <Reactions {...props} />
      <Tools {...props} />
    </div>
  );
}

function Reactions({ line, ownId, nameOf, onReact }: LineProps) {
  if (!line.reactions || line.reactions.length === 0) return null;
  return (
    <div className={styles.reactions}>
      {line.reactions.map(({ emoji, users }) => {
        const mine = users.includes(ownId);
        return (
          <button
            key={emoji}
            type="button"
            aria-pressed={mine}
            aria-label={`${emojiName(emoji)}, ${users.length}`}
            title={users.map(nameOf).join(', ')}
            onClick={() => onReact(line.id, emoji, !mine)}
          >
            <span aria-hidden="true">{emoji}</span>
            <span aria-hidden="true">{users.length}</span>
          </button>
        );
      })}
    </div>
  );
}

function Tools({
  line,
  own,
  ownId,
  mayRemoveAll,
  onReact,
  onRemove,
  onEditing,
}: LineProps & { onEditing: () => void }) {
  const [at, setAt] = useState<{ left: number; top: number } | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const picking = at !== null;
  useDismiss(place, picking, () => setAt(null));
  const open = () => setAt(picking || !place.current ? null : beside(place.current.getBoundingClientRect()));
  const tool = (icon: IconName, label: string, act: () => void) => (
    <button type="button" aria-label={label} title={label} onClick={act}>
      <Icon name={icon} size={16} />
    </button>
  );
  const pick = (emoji: string) => {
    const before = line.reactions?.find((reaction) => reaction.emoji === emoji);
    onReact(line.id, emoji, !before?.users.includes(ownId));
    setAt(null);
  };
  return (
    <div ref={place} className={styles.tools} data-open={picking || undefined}>
      {tool('smile', 'React to this message', open)}
      {own && line.message !== '' && tool('edit', 'Edit this message', onEditing)}
      {(own || mayRemoveAll) && tool('trash', 'Delete this message', () => onRemove(line.id))}
      {at && (
        <div className={styles.picker} style={at}>
          <EmojiPicker label="Reactions" onPick={pick} />
        </div>
      )}
    </div>
  );
}

/** The size of the board of reactions, in pixels. */
const BOARD = { width: 222, height: 98 };
const MARGIN = 8;

/** On the screen, because the list of lines cuts off what hangs over its edge: above the tools, or below where there is no room. */
function beside(tools: DOMRect): { left: number; top: number } {
  const left = Math.max(MARGIN, Math.min(tools.left, innerWidth - BOARD.width - MARGIN));
  const above = tools.top - BOARD.height - MARGIN;
  return { left, top: above >= MARGIN ? above : tools.bottom + MARGIN };
}

interface EditorProps {
  text: string;
  onSave: (text: string) => void;
  onCancel: () => void;
}

function Editor({ text: before, onSave, onCancel }: EditorProps) {
  const [text, setText] = useState(before);
  const save = () => text.trim() && onSave(text.trim());
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onCancel();
    }
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    save();
  };
  return (
    <div className={styles.edit}>
      <textarea
        aria-label="Edit message"
        rows={1}
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to write here
        autoFocus
        maxLength={4_000}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={key}
      />
      <div>
        <Button look="plain" onClick={onCancel}>
          Cancel
        </Button>
        <Button look="filled" disabled={!text.trim()} onClick={save}>
          Save
        </Button>
      </div>
    </div>
  );
}
