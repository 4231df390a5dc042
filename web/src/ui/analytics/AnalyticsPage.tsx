// What a meeting was, in numbers and pictures, after it ended.
import { useEffect } from 'react';
import type { Meeting, User } from '../../signaling/meeting';
import type { Analytics, PersonNumbers } from '../../signaling/numbers';
import { FormError } from '../base/Field';
import { Icon } from '../base/Icon';
import { ChartFrame } from '../chart/ChartFrame';
import { SplitBar } from '../chart/SplitBar';
import { minuteWords } from '../chart/scale';
import { TimeChart } from '../chart/TimeChart';
import { emojiName } from '../chat/emoji';
import { bytes } from '../chat/size';
import { detailPath } from '../home/address';
import { Header } from '../home/Header';
import { clock, day } from '../home/when';
import { Link } from '../router';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './AnalyticsPage.module.css';

const COLORS = {
  people: 'var(--chart-1)',
  messages: 'var(--chart-2)',
  reactions: 'var(--chart-3)',
  screens: 'var(--chart-4)',
  recordings: 'var(--chart-5)',
} as const;

export function AnalyticsPage({ meetingId, user }: { meetingId: string; user: User }) {
  const { rest } = useServices();
  const meeting = useLoaded(() => rest.meeting(meetingId), [rest, meetingId]);
  const numbers = useLoaded(() => rest.numbers.analytics(meetingId), [rest, meetingId]);
  const name = meeting.value?.meeting_name;
  useEffect(() => {
    document.title = `${name ?? 'Meeting'}, in numbers · Plenum`;
  }, [name]);
  const error = meeting.error ?? numbers.error;
  return (
    <>
      <Header user={user} />
      <main className={styles.page}>
        <header className={styles.head}>
          <Link href={detailPath(meetingId)} className={styles.back}>
            <Icon name="left" size={18} />
            About the meeting
          </Link>
          <h1>{name ?? 'How it was'}</h1>
          {meeting.value && numbers.value && <When meeting={meeting.value} numbers={numbers.value} />}
        </header>
        {error && <FormError>{error}</FormError>}
        {numbers.value && <Numbers numbers={numbers.value} />}
      </main>
    </>
  );
}

function When({ meeting, numbers }: { meeting: Meeting; numbers: Analytics }) {
  const start = Date.parse(numbers.started_at ?? meeting.meeting_start_time);
  const end = Date.parse(numbers.ended_at ?? meeting.meeting_end_time);
  return (
    <p className={styles.lead}>
      {day(start, Date.now())}, {clock(start)} – {clock(end)}
    </p>
  );
}

function Numbers({ numbers }: { numbers: Analytics }) {
  return (
    <>
      <Cells numbers={numbers} />
      <Attendance numbers={numbers} />
      <Activity numbers={numbers} />
      <div className={styles.pair}>
        <EngagementChart numbers={numbers} />
        <QualityChart numbers={numbers} />
      </div>
      {numbers.reactions.length > 0 && <Reactions numbers={numbers} />}
      {numbers.people && numbers.people.length > 0 && <People people={numbers.people} />}
    </>
  );
}

function Cells({ numbers }: { numbers: Analytics }) {
  const cells: [string, string, string?][] = [
    ['Lasted', minuteWords(numbers.duration_minutes)],
    ['People', String(numbers.total_participants_joined), `at most ${numbers.peak_participants}`],
    ['On average', numbers.average_participants.toFixed(1), 'people'],
    ['Messages', String(numbers.total_chat_messages)],
    ['Screens shared', minuteWords(numbers.screen_share_duration)],
    ['Recorded', minuteWords(numbers.recording_duration)],
    [
      'Connection',
      numbers.connection_quality_avg === null ? '–' : String(Math.round(numbers.connection_quality_avg)),
      'of 100',
    ],
    ['Traffic', bytes(numbers.bandwidth_usage)],
  ];
  return (
    <dl className={styles.cells} data-testid="analytics-numbers">
      {cells.map(([name, value, more]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value} {more && value !== '–' && <small>{more}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Attendance({ numbers }: { numbers: Analytics }) {
  const { timeline, timeline_step_minutes: step, peak_participants: peak } = numbers;
  const bands = [
    { name: 'Screen shared', color: COLORS.screens, spans: numbers.screen_shares },
    { name: 'Recorded', color: COLORS.recordings, spans: numbers.recordings },
  ].filter(({ spans }) => spans.length > 0);
  const people = {
    name: 'People',
    color: COLORS.people,
    values: timeline.map(({ participants }) => participants),
  };
  return (
    <ChartFrame
      title="Attendance"
      legend={bands.length > 0 ? [people, ...bands] : []}
      columns={['Minute', 'People']}
      rows={timeline.map(({ minute, participants }) => [minute, participants])}
    >
      <TimeChart
        label={`People inside over ${minuteWords(numbers.duration_minutes)}; at most ${peak}`}
        kind="area"
        step={step}
        series={[people]}
        bands={bands}
      />
    </ChartFrame>
  );
}

function Activity({ numbers }: { numbers: Analytics }) {
  const { timeline, timeline_step_minutes: step } = numbers;
  const series = [
    { name: 'Messages', color: COLORS.messages, values: timeline.map(({ messages }) => messages) },
    { name: 'Reactions', color: COLORS.reactions, values: timeline.map(({ reactions }) => reactions) },
  ];
  const { messages, reactions } = numbers.interactions;
  return (
    <ChartFrame
      title="Messages and reactions"
      legend={series}
      columns={['Minute', 'Messages', 'Reactions']}
      rows={timeline.map(({ minute, messages, reactions }) => [minute, messages, reactions])}
    >
      <TimeChart
        label={`${messages} messages and ${reactions} reactions over time`}
        kind="bars"
        step={step}
        series={series}
      />
    </ChartFrame>
  );
}

function EngagementChart({ numbers }: { numbers: Analytics }) {
  const {
    high_engagement: high,
    medium_engagement: medium,
    low_engagement: low,
  } = numbers.participant_engagement;
  const parts = [
    { name: 'High', value: high, words: persons(high), color: 'var(--chart-1)' },
    { name: 'Medium', value: medium, words: persons(medium), color: 'var(--chart-2)' },
    { name: 'Low', value: low, words: persons(low), color: 'var(--chart-3)' },
  ];
  return (
    <ChartFrame
      title="Engagement"
      columns={['Engagement', 'People']}
      rows={parts.map(({ name, value }) => [name, value])}
    >
      <SplitBar label="Engagement" parts={parts} />
    </ChartFrame>
  );
}

function QualityChart({ numbers }: { numbers: Analytics }) {
  const quality = numbers.connection_quality;
  const parts = [
    { name: 'Excellent', value: quality.excellent_minutes, color: 'var(--chart-1)' },
    { name: 'Good', value: quality.good_minutes, color: 'var(--chart-2)' },
    { name: 'Weak', value: quality.fair_minutes, color: 'var(--chart-3)' },
    { name: 'Poor', value: quality.poor_minutes, color: 'var(--chart-6)' },
  ].map((part) => ({ ...part, words: `${part.value.toFixed(1)} min` }));
  return (
    <ChartFrame
      title="Connections, over everybody"
      columns={['Connection', 'Minutes']}
      rows={parts.map(({ name, value }) => [name, value])}
    >
      <SplitBar label="Connections" parts={parts} />
    </ChartFrame>
  );
}

function Reactions({ numbers }: { numbers: Analytics }) {
  return (
    <section className={styles.people}>
      <h2>Reactions</h2>
      <ul className={styles.reactions}>
        {numbers.reactions.map(({ reaction, count }) => (
          <li key={reaction}>
            <span role="img" aria-label={emojiName(reaction)}>
              {reaction}
            </span>
            {count}
          </li>
        ))}
      </ul>
    </section>
  );
}

const LEVELS = { high: 'High', medium: 'Medium', low: 'Low' } as const;

function People({ people }: { people: PersonNumbers[] }) {
  return (
    <section className={styles.people}>
      <h2>Everybody</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={styles.scroll} tabIndex={0} aria-label="Numbers of everybody">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Inside</th>
              <th scope="col">Messages</th>
              <th scope="col">Reactions</th>
              <th scope="col">Hands</th>
              <th scope="col">Connection</th>
              <th scope="col">Engagement</th>
            </tr>
          </thead>
          <tbody>
            {people.map((person) => (
              <tr key={person.user_id ?? person.name}>
                <th scope="row">{person.name}</th>
                <td>
                  {minuteWords(person.present_minutes)} ({Math.round(person.present_percent)} %)
                </td>
                <td>{person.messages}</td>
                <td>{person.reactions}</td>
                <td>{person.hands}</td>
                <td>
                  {person.connection_quality_avg === null ? '–' : Math.round(person.connection_quality_avg)}
                </td>
                <td>
                  <span className={styles.level} data-level={person.engagement}>
                    {LEVELS[person.engagement]}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function persons(count: number): string {
  return count === 1 ? '1 person' : `${count} people`;
}
