// The pictures: one large with a strip of people beside it, or everybody in a grid.
import { useCallback, useEffect, useRef, useState } from 'react';
import { spot } from '../../room/board';
import { type Area, gridFor, promoted, stripSide } from '../../room/layout';
import { SELF, sharers } from '../../room/state';
import { IconButton } from '../base/Button';
import { useSize } from '../base/useSize';
import { useMeeting, useRoom } from './context';
import { Invitation } from './Invitation';
import { ScreenTile } from './ScreenTile';
import styles from './Stage.module.css';
import { Tile } from './Tile';

const GAP = 10;
/** What the page switch below the grid takes, when there is one. */
const PAGES_HEIGHT = 56;
/** What the number of people not shown takes below the strip. */
const MORE_HEIGHT = 34;
const STRIP_TILE = { width: 224, height: 126 } as const;
/** On a tall stage the large picture takes this share of its width as height, and people get the rest. */
const LARGE_ASPECT = 0.64;

export function Stage() {
  const element = useRef<HTMLDivElement>(null);
  const area = useSize(element);
  return (
    <div ref={element} className={styles.stage} data-testid="stage">
      {area && area.width > 0 && <Arrangement area={area} />}
    </div>
  );
}

function Arrangement({ area }: { area: Area }) {
  const near = useRoom((state) => state.near);
  const sharing = useRoom((state) => sharers(state)[0]?.key ?? null);
  const [pinned, setPinned] = useState<string | null>(null);
  const keys = [SELF, ...near];
  const pin = pinned !== null && keys.includes(pinned) ? pinned : null;
  const { receiving } = useMeeting().conference;
  useEffect(() => {
    receiving.pin(pin === null ? null : spot(pin, 'camera'));
    return () => receiving.pin(null);
  }, [receiving, pin]);
  // One and the same function, so that tiles need not render again when somebody comes.
  const toggle = useCallback((key: string) => setPinned((now) => (now === key ? null : key)), []);
  if (sharing === null && pin === null) return <Grid keys={keys} area={area} onPin={toggle} />;

  const side = stripSide(area);
  const others = sharing === null ? keys.filter((key) => key !== pin) : keys;
  const alone = others.length === 0;
  const large =
    side === 'right'
      ? { width: alone ? area.width : area.width - STRIP_TILE.width - GAP, height: area.height }
      : { width: area.width, height: alone ? area.height : Math.round(area.width * LARGE_ASPECT) };
  const below = { width: area.width, height: area.height - large.height - GAP };
  return (
    <div className={styles.split} data-side={side}>
      {sharing !== null ? (
        <ScreenTile personKey={sharing} size={large} />
      ) : (
        pin && <Tile personKey={pin} width={large.width} height={large.height} pinned onPin={toggle} />
      )}
      {side === 'right' && <Strip keys={others} height={area.height} onPin={toggle} />}
      {side === 'bottom' && !alone && <Grid keys={others} area={below} onPin={toggle} />}
    </div>
  );
}

interface GridProps {
  keys: string[];
  area: Area;
  onPin: (key: string) => void;
}

function Grid({ keys, area, onPin }: GridProps) {
  const [page, setPage] = useState(0);
  const recent = useRoom((state) => state.recentSpeakers);
  const everybody = useRoom((state) => state.order.length + 1);
  const alone = everybody === 1;
  const whole = gridFor(keys.length, area, GAP);
  const paged = whole.perPage < keys.length;
  const below = { width: area.width, height: area.height - PAGES_HEIGHT };
  const { perPage, tileWidth, tileHeight, columns } = paged ? gridFor(keys.length, below, GAP) : whole;
  const pages = Math.ceil(keys.length / perPage);
  const shownPage = Math.min(page, pages - 1);
  const shown = promoted(keys, recent, perPage).slice(shownPage * perPage, (shownPage + 1) * perPage);
  return (
    <div className={styles.page}>
      <div className={styles.grid} style={{ width: columns * tileWidth + (columns - 1) * GAP, gap: GAP }}>
        {shown.map((key) => (
          <Tile
            key={key}
            personKey={key}
            width={tileWidth}
            height={tileHeight}
            onPin={alone ? undefined : onPin}
          />
        ))}
      </div>
      {alone && <Invitation />}
      {pages > 1 && <Pages page={shownPage} pages={pages} onPage={setPage} />}
    </div>
  );
}

function Pages({ page, pages, onPage }: { page: number; pages: number; onPage: (page: number) => void }) {
  return (
    <nav className={styles.pages} aria-label="Pages of people">
      <IconButton
        icon="left"
        label="Previous people"
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      />
      <span>
        {page + 1} / {pages}
      </span>
      <IconButton
        icon="right"
        label="More people"
        disabled={page === pages - 1}
        onClick={() => onPage(page + 1)}
      />
    </nav>
  );
}

interface StripProps {
  keys: string[];
  height: number;
  onPin: (key: string) => void;
}

/** As many as fit beside the large picture; whoever spoke last is among them, and the rest are a number. */
function Strip({ keys, height, onPin }: StripProps) {
  const recent = useRoom((state) => state.recentSpeakers);
  const each = STRIP_TILE.height + GAP;
  const all = keys.length * each - GAP <= height;
  const fits = all ? keys.length : Math.max(1, Math.floor((height - MORE_HEIGHT) / each));
  const shown = promoted(keys, recent, fits).slice(0, fits);
  const hidden = keys.length - shown.length;
  return (
    <div className={styles.strip}>
      {shown.map((key) => (
        <Tile key={key} personKey={key} {...STRIP_TILE} small onPin={onPin} />
      ))}
      {hidden > 0 && <span className={styles.hidden}>{hidden} more</span>}
    </div>
  );
}
