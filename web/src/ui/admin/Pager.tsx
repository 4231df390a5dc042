// The foot of a long list: how much there is, and the way on.
import { Button } from '../base/Button';
import styles from './AdminPage.module.css';

interface PagerProps {
  offset: number;
  shown: number;
  total: number;
  page: number;
  onOffset: (offset: number) => void;
}

export function Pager({ offset, shown, total, page, onOffset }: PagerProps) {
  return (
    <div className={styles.foot}>
      <span>{total === 0 ? 'Nothing' : `${offset + 1}–${offset + shown} of ${total}`}</span>
      <div>
        <Button disabled={offset === 0} onClick={() => onOffset(Math.max(0, offset - page))}>
          Newer
        </Button>
        <Button disabled={offset + shown >= total} onClick={() => onOffset(offset + page)}>
          Older
        </Button>
      </div>
    </div>
  );
}
