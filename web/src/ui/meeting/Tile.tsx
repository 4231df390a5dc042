// One person: picture or initials, name, and the small marks. Renders again only when this person changes.
import { memo, useEffect, useRef } from 'react';
import { spot } from '../../room/board';
import { handQueue, isSpeaking, SELF } from '../../room/state';
import type { Quality } from '../../signaling/events';
import { Avatar } from '../base/Avatar';
import { Icon } from '../base/Icon';
import { useHeldBack, useMeeting, usePerson, useRoom, useTrack } from './context';
import { QualityMark } from './QualityMark';
import { SlowMark } from './SlowMark';
import styles from './Tile.module.css';
import { TileReactions } from './TileReactions';
import { VideoTrack } from './VideoTrack';

/** A tile narrower than this keeps its space for the name. */
const TIGHT_BELOW = 220;

interface TileProps {
  personKey: string;
  width: number;
  height: number;
  small?: boolean;
  pinned?: boolean;
  onPin?: (key: string) => void;
}

export const Tile = memo(function Tile({ personKey, width, height, small, pinned, onPin }: TileProps) {
  const { conference, levels } = useMeeting();
  const element = useRef<HTMLElement>(null);
  const person = usePerson(personKey);
  const speaking = useRoom((state) => isSpeaking(state, personKey));
  const handPlace = useRoom((state) => handQueue(state).findIndex(({ key }) => key === personKey) + 1);
  const own = personKey === SELF;
  const at = spot(personKey, 'camera');
  const track = useTrack(at);
  const heldBack = useHeldBack(at);

  useEffect(() => {
    if (own) return;
    conference.receiving.view(at, { width, height }, devicePixelRatio);
    return () => conference.receiving.view(at, null, devicePixelRatio);
  }, [conference, at, own, width, height]);
  useEffect(() => {
    return element.current ? levels.show(personKey, element.current) : undefined;
  }, [levels, personKey]);

  if (!person) return null;
  const showsVideo = person.video && track !== null && heldBack === null;
  const slow = person.video && heldBack === 'bandwidth';
  const tight = small || width < TIGHT_BELOW;
  const classes = [styles.tile, speaking && person.audio && styles.speaking, tight && styles.small];
  return (
    <article
      ref={element}
      className={classes.filter(Boolean).join(' ')}
      style={{ width, height }}
      aria-label={tileLabel(person.userName, own, person.audio, showsVideo, slow)}
      data-testid="tile"
      data-participant-id={person.participantId}
      data-user-id={person.userId}
      data-self={own || undefined}
      data-video={showsVideo}
      data-audio={person.audio}
      data-speaking={speaking || undefined}
      data-held-back={heldBack ?? undefined}
      data-lingering={person.lingering || undefined}
    >
      {showsVideo ? (
        <VideoTrack track={track} mirrored={own} />
      ) : (
        <div className={styles.face}>
          <Avatar id={person.userId} name={person.userName} size={avatarSize(width, height)} />
          {slow && <SlowMark tight={tight} />}
        </div>
      )}
      {handPlace > 0 && (
        <span className={styles.hand} title="Hand raised">
          <Icon name="hand" size={16} />
          {handPlace}
        </span>
      )}
      <span className={styles.name}>
        {person.audio ? <Voice /> : <Icon name="mic-off" size={15} />}
        <span className={styles.words}>{own ? `${person.userName} (you)` : person.userName}</span>
        {tight && !fine(person.quality) && <QualityMark quality={person.quality} place="name" />}
      </span>
      {!tight && person.quality && <QualityMark quality={person.quality} place="picture" />}
      <TileReactions personKey={personKey} />
      {onPin && (
        <button
          type="button"
          className={`${styles.pin} ${pinned ? styles.pinned : ''}`}
          aria-pressed={pinned ?? false}
          aria-label={pinned ? `Unpin ${person.userName}` : `Pin ${person.userName}`}
          title={pinned ? 'Unpin' : 'Pin'}
          onClick={() => onPin(personKey)}
        >
          <Icon name="pin" size={17} />
        </button>
      )}
      {person.lingering && <span className={styles.returning}>Reconnecting…</span>}
    </article>
  );
});

/** Three bars that follow `--level`, which the tile carries. */
function Voice() {
  return (
    <span className={styles.voice} aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}

/** On a small tile only trouble is worth the space. */
function fine(quality: Quality | null): boolean {
  return quality !== 'fair' && quality !== 'poor';
}

function avatarSize(width: number, height: number): number {
  return Math.round(Math.min(140, Math.max(40, Math.min(width, height) * 0.38)));
}

function tileLabel(name: string, own: boolean, audio: boolean, video: boolean, slow: boolean): string {
  const parts = [own ? `${name} (you)` : name];
  if (!audio) parts.push('muted');
  if (slow) parts.push('video paused: slow connection');
  else if (!video) parts.push('camera off');
  return parts.join(', ');
}
