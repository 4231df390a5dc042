// A shared screen, whole and as large as there is room.
import { useEffect } from 'react';
import { spot } from '../../room/board';
import type { Area } from '../../room/layout';
import { SELF } from '../../room/state';
import { Button } from '../base/Button';
import { Icon } from '../base/Icon';
import { useHeldBack, useMeeting, usePerson, useTrack } from './context';
import styles from './ScreenTile.module.css';
import { SlowMark } from './SlowMark';
import { VideoTrack } from './VideoTrack';

export function ScreenTile({ personKey, size }: { personKey: string; size: Area }) {
  const { conference, controls } = useMeeting();
  const person = usePerson(personKey);
  const own = personKey === SELF;
  const at = spot(personKey, 'screen');
  const track = useTrack(at);
  const heldBack = useHeldBack(at);
  const { width, height } = size;
  useEffect(() => {
    if (own) return;
    conference.receiving.view(at, { width, height }, devicePixelRatio);
    return () => conference.receiving.view(at, null, devicePixelRatio);
  }, [conference, at, own, width, height]);
  return (
    <section
      className={styles.screen}
      style={size}
      aria-label={own ? 'Your screen' : `Screen of ${person?.userName}`}
      data-testid="screen"
      data-participant-id={person?.participantId}
    >
      {own ? (
        <div className={styles.own}>
          <Icon name="screen" size={44} />
          <h2>You are sharing your screen</h2>
          <Button look="danger" onClick={controls.toggleScreen}>
            Stop sharing
          </Button>
        </div>
      ) : (
        <>
          {track && <VideoTrack track={track} whole />}
          {heldBack === 'bandwidth' && (
            <div className={styles.held}>
              <SlowMark />
            </div>
          )}
          <span className={styles.name}>
            <Icon name="screen" size={16} />
            {person?.userName}
          </span>
        </>
      )}
    </section>
  );
}
