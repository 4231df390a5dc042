// One's own connection: the mark, and behind it the numbers, for whoever points at it or presses it.
import { type KeyboardEvent, useId, useRef } from 'react';
import { connectionFacts, qualityWords } from '../../room/connection';
import { SELF } from '../../room/state';
import { usePerson } from './context';
import styles from './OwnQuality.module.css';
import { QualityMark } from './QualityMark';
import { useConnection } from './useConnection';

export function OwnQuality() {
  const id = useId();
  const quality = usePerson(SELF)?.quality ?? null;
  const connection = useConnection(SELF);
  const facts = connectionFacts(connection);
  const numbers = useRef<HTMLSpanElement>(null);
  // Escape closes the numbers alone, and not the list they stand over.
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && numbers.current?.matches(':popover-open')) event.stopPropagation();
  };
  return (
    <span>
      <button type="button" className={styles.button} popoverTarget={id} onKeyDown={key}>
        <QualityMark quality={quality} connection={connection} place="list" />
      </button>
      {/* The browser opens, places and dismisses it, above whatever scrolls. */}
      <span ref={numbers} id={id} popover="auto" className={styles.numbers} data-testid="own-connection">
        <strong>{qualityWords(quality)}</strong>
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </span>
    </span>
  );
}
