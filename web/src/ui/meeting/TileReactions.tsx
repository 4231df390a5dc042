// Reactions that float up a tile. Without motion they stand still for as long.
import { emojiName } from '../chat/emoji';
import { useMeeting, useRoom } from './context';
import styles from './TileReactions.module.css';

/** They rise beside one another, in pixels from the middle. */
const DRIFTS = [0, -34, 30, -16, 18, -46, 44];

export function TileReactions({ personKey }: { personKey: string }) {
  const { store } = useMeeting().conference;
  // Ids as one text: a tile renders again for reactions of its own person only.
  const ids = useRoom((state) =>
    state.reactions
      .filter(({ key }) => key === personKey)
      .map(({ id }) => id)
      .join(),
  );
  if (ids === '') return null;
  const own = store.get().reactions.filter(({ key }) => key === personKey);
  return (
    <div className={styles.reactions} data-testid="reactions">
      {own.map(({ id, reaction }) => (
        <span
          key={id}
          className={styles.reaction}
          style={{ '--drift': DRIFTS[id % DRIFTS.length] } as React.CSSProperties}
          role="img"
          aria-label={emojiName(reaction)}
        >
          {reaction}
        </span>
      ))}
    </div>
  );
}
