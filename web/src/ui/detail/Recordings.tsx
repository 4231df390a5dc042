// The recordings of a meeting that have a file.
import type { Meeting } from '../../signaling/meeting';
import type { Recording } from '../../signaling/numbers';
import { minuteWords } from '../chart/scale';
import { bytes } from '../chat/size';
import { clock } from '../home/when';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './DetailPage.module.css';

export function Recordings({ meeting }: { meeting: Meeting }) {
  const { rest } = useServices();
  const { value, error } = useLoaded(() => rest.numbers.recordings(meeting.id), [rest, meeting.id]);
  return (
    <section className={styles.box} aria-label="Recordings">
      <header>
        <h2>Recordings</h2>
      </header>
      {error && <p className={styles.none}>{error}</p>}
      {value?.length === 0 && <p className={styles.none}>There are no recordings of this meeting.</p>}
      {value && value.length > 0 && (
        <ul className={styles.rows}>
          {value.map((recording) => (
            <Row key={recording.id} recording={recording} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({ recording }: { recording: Recording }) {
  const { recording_type: type, duration_seconds: seconds, file_size_bytes: size } = recording;
  return (
    <li className={styles.row}>
      <span className={styles.who}>
        <strong>
          {type}, {recording.format}
        </strong>
        <small>
          {clock(Date.parse(recording.started_at))}, {minuteWords(seconds / 60)}
        </small>
      </span>
      <span className={styles.side}>{bytes(size)}</span>
    </li>
  );
}
