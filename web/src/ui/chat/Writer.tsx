// Where a line is written, with files and the notice who else is writing.
import {
  type ClipboardEvent,
  type DragEvent,
  type FormEvent,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useRef,
  useState,
} from 'react';
import type { TypingTeller } from '../../room/typing';
import type { Attachment } from '../../signaling/chat';
import { IconButton } from '../base/Button';
import { Icon } from '../base/Icon';
import { FILES_MAX, type Upload, useUploads } from './useUploads';
import styles from './Writer.module.css';

/** The server takes no longer lines. */
const LENGTH_MAX = 4_000;

interface WriterProps {
  label: string;
  /** Resolves to false when the line was not taken. */
  onSend: (text: string, files: Attachment[]) => Promise<boolean>;
  teller: TypingTeller;
  /** Who else is writing, in words. */
  typing: string;
  children?: ReactNode;
}

export function Writer({ label, onSend, teller, typing, children }: WriterProps) {
  const [text, setText] = useState('');
  const [dropping, setDropping] = useState(false);
  const { uploads, add, remove, clear } = useUploads();
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  useEffect(() => () => teller.stopped(), [teller]);

  const ready = uploads.flatMap(({ done }) => done ?? []);
  const pending = uploads.some(({ done, error }) => !done && !error);
  const may = !pending && (text.trim() !== '' || ready.length > 0);

  const send = async (event?: FormEvent) => {
    event?.preventDefault();
    if (!may) return;
    const line = text.trim();
    setText('');
    if (await onSend(line, ready)) clear();
    // What was not taken comes back to the writer, unless something new is there already.
    else setText((now) => now || line);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  const paste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    add([...event.clipboardData.files]);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setDropping(false);
    add([...event.dataTransfer.files]);
  };
  return (
    <form
      className={`${styles.writer} ${dropping ? styles.dropping : ''}`}
      onSubmit={send}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={drop}
    >
      <p className={styles.typing} role="status">
        {typing}
      </p>
      {uploads.length > 0 && (
        <ul className={styles.uploads} aria-label="Files to send">
          {uploads.map((upload) => (
            <UploadRow key={upload.key} upload={upload} onRemove={() => remove(upload)} />
          ))}
        </ul>
      )}
      {children}
      <div className={styles.field}>
        <IconButton
          icon="clip"
          label="Attach files"
          disabled={uploads.length >= FILES_MAX}
          onClick={() => chooser.current?.click()}
        />
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          data-testid="file-chooser"
          onChange={(event) => {
            add([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
        <textarea
          ref={field}
          rows={1}
          aria-label={label}
          placeholder={label}
          maxLength={LENGTH_MAX}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            if (event.target.value.trim()) teller.pressed(Date.now());
            else teller.stopped();
          }}
          onKeyDown={key}
          onPaste={paste}
        />
        <IconButton icon="send" label="Send" type="submit" disabled={!may} className={styles.send} />
      </div>
    </form>
  );
}

function UploadRow({ upload, onRemove }: { upload: Upload; onRemove: () => void }) {
  const { name, share, done, error } = upload;
  return (
    <li className={styles.upload}>
      <Icon name="file" size={18} />
      <span>
        <strong>{name}</strong>
        {error ? (
          <small className={styles.wrong} role="alert">
            {error}
          </small>
        ) : done ? (
          <small>Ready to send</small>
        ) : (
          <progress value={share} max={1} aria-label={`Sending ${name}`} />
        )}
      </span>
      <IconButton icon="close" label={`Remove ${name}`} onClick={onRemove} />
    </li>
  );
}
