// Says in which breakout room one is, how long it lasts, and takes one back.
import { ownRoom } from '../../room/breakouts';
import { mayReturn } from '../../room/rights';
import { Icon } from '../base/Icon';
import styles from './BreakoutMark.module.css';
import { useMeeting, useRoom } from './context';
import { useTimeLeft } from './useTimeLeft';

export function BreakoutMark() {
  const { desk } = useMeeting().conference;
  const name = useRoom((state) => ownRoom(state)?.name);
  const closesAt = useRoom((state) => state.breakouts?.closesAt ?? null);
  const returns = useRoom(mayReturn);
  const recording = useRoom((state) => state.recording.on);
  const left = useTimeLeft(closesAt);
  if (name === undefined) return null;
  return (
    <p className={styles.mark} data-below={recording || undefined} data-testid="breakout-mark">
      <Icon name="rooms" size={17} />
      <strong title={name}>{name}</strong>
      {left && <span>{left}</span>}
      {returns && (
        <button type="button" onClick={() => void desk.returnFromRoom()}>
          Return
        </button>
      )}
    </p>
  );
}
