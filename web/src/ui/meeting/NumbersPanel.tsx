// How the meeting is doing, for those who run it: the server's numbers every five seconds, and everybody's connection.
import { useEffect, useState } from 'react';
import { everybody } from '../../room/state';
import { readable } from '../../signaling/errors';
import type { Quality } from '../../signaling/events';
import type { LiveStats } from '../../signaling/numbers';
import { Sparkline } from '../chart/Sparkline';
import { useServices } from '../services';
import { useMeeting, useRoom } from './context';
import styles from './NumbersPanel.module.css';
import { Panel } from './Panel';

/** As often as the server takes a sample. */
const EVERY_MS = 5_000;
/** Five minutes. */
const KEPT = 60;

const WORDS: Record<Quality, string> = { excellent: 'Excellent', good: 'Good', fair: 'Weak', poor: 'Poor' };
const WORST_FIRST: Quality[] = ['poor', 'fair', 'good', 'excellent'];

interface Sample {
  at: number;
  stats: LiveStats;
}

export function NumbersPanel() {
  const { samples, error } = useSamples();
  const now = samples.at(-1)?.stats;
  return (
    <Panel title="Live numbers">
      <div className={styles.scroll}>
        {error && <p className={styles.note}>{error}</p>}
        {!now && !error && <p className={styles.note}>Asking the server…</p>}
        {now && <Cells now={now} />}
        {samples.length > 1 && (
          <section className={styles.section}>
            <h3>Traffic of the last minutes, Mbit/s</h3>
            <Sparkline
              values={samples.map(({ stats }) => stats.bandwidth_usage.total_mbps)}
              label="Traffic in megabits a second"
            />
          </section>
        )}
        <Connections />
      </div>
    </Panel>
  );
}

function Cells({ now }: { now: LiveStats }) {
  const { quality_metrics: quality } = now;
  const cells: [string, string, string?][] = [
    [
      'People',
      String(now.current_participants),
      now.participants_peak ? `most ${now.participants_peak}` : undefined,
    ],
    ['Running for', minutes(now.duration_minutes)],
    ['Messages', String(now.chat_messages)],
    ['Raised hands', String(now.raised_hands ?? 0)],
    ['Traffic', `${now.bandwidth_usage.total_mbps.toFixed(1)}`, 'Mbit/s'],
    ['Each', `${now.bandwidth_usage.per_participant_avg.toFixed(2)}`, 'Mbit/s'],
    ['Round trip', measured(quality.latency_ms, 0), 'ms'],
    ['Loss', measured(quality.packet_loss_percent, 1), '%'],
    ['Picture', quality.average_video_quality ?? '–'],
    ['Connection', quality.connection_quality ? WORDS[quality.connection_quality] : '–'],
  ];
  return (
    <dl className={styles.cells} data-testid="live-numbers">
      {cells.map(([name, value, unit]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value} {unit && value !== '–' && <small>{unit}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Connections() {
  const { store } = useMeeting().conference;
  const marks = useRoom((state) =>
    everybody(state)
      .map(({ key, quality }) => `${key}:${quality}`)
      .join(),
  );
  if (marks === '') return null;
  const known = everybody(store.get()).filter(({ quality }) => quality !== null);
  const sorted = known.sort((a, b) => rank(a.quality) - rank(b.quality));
  return (
    <section className={styles.section}>
      <h3>Connections</h3>
      {sorted.length === 0 && <p className={styles.note}>Nothing has been measured yet.</p>}
      <ul>
        {sorted.map(({ key, userName, quality }) => (
          <li key={key} className={styles.line}>
            <span>{userName}</span>
            {quality && (
              <span className={styles.quality} data-quality={quality}>
                {WORDS[quality]}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function useSamples(): { samples: Sample[]; error: string | null } {
  const { rest } = useServices();
  const meetingId = useRoom((state) => state.meeting?.id ?? '');
  const [samples, setSamples] = useState<Sample[]>([]);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    const ask = async () => {
      try {
        const stats = await rest.numbers.live(meetingId);
        if (gone) return;
        setSamples((before) => [...before, { at: Date.now(), stats }].slice(-KEPT));
        setError(null);
      } catch (failure) {
        if (!gone) setError(readable(failure));
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [rest, meetingId]);
  return { samples, error };
}

function rank(quality: Quality | null): number {
  return quality === null ? WORST_FIRST.length : WORST_FIRST.indexOf(quality);
}

function measured(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}

function minutes(count: number): string {
  const whole = Math.floor(count);
  return whole < 60 ? `${whole} min` : `${Math.floor(whole / 60)} h ${whole % 60} min`;
}
