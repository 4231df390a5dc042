// The system in numbers, asked for again while somebody looks.
import { useEffect } from 'react';
import type { SystemStats } from '../../signaling/numbers';
import { FormError } from '../base/Field';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './AdminPage.module.css';

const REFRESH_MS = 10_000;

export function SystemNumbers() {
  const { rest } = useServices();
  const { value, error, reload } = useLoaded(() => rest.numbers.system(), [rest]);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && void reload(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (error) return <FormError>{error}</FormError>;
  if (!value) return null;
  return (
    <>
      <dl className={styles.cells} data-testid="system-numbers">
        {cells(value).map(([name, number]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{number}</dd>
          </div>
        ))}
      </dl>
      {value.system_health && <Health stats={value} />}
    </>
  );
}

function cells(stats: SystemStats): [string, string][] {
  const { system_health: health, mediasoup_workers: workers, uptime_hours: uptime } = stats;
  return [
    ['Meetings live', String(stats.active_meetings)],
    ['People connected', String(stats.active_participants)],
    ['Meetings planned', String(stats.scheduled_meetings)],
    ['Meetings in all', String(stats.total_meetings)],
    ['People ever inside', String(stats.total_participants)],
    ...(uptime === undefined ? [] : [['Running for', running(uptime)] as [string, string]]),
    ...(workers ? [['Media cores in use', `${workers.active} of ${workers.total}`] as [string, string]] : []),
    ...(health ? [['Traffic', `${health.bandwidth_mbps.toFixed(1)} Mbit/s`] as [string, string]] : []),
  ];
}

/** "9 days", "4 h", "12 min". */
function running(hours: number): string {
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours >= 1 ? `${Math.floor(hours)} h` : `${Math.floor(hours * 60)} min`;
}

function Health({ stats }: { stats: SystemStats }) {
  const health = stats.system_health;
  if (!health) return null;
  const rows: [string, string | number, boolean?][] = [
    ['Whole', health.status, health.status === 'ok'],
    ['Database', health.database, health.database === 'ok'],
    ['Media nodes', health.media_nodes, health.media_nodes > 0],
    ['Rooms', health.rooms],
    ['Transports', health.transports],
  ];
  return (
    <div className={styles.table}>
      <table>
        <tbody>
          {rows.map(([name, value, good]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <span className={good === undefined ? undefined : styles.state} data-good={good}>
                  {value}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
