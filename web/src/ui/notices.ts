// Short messages that come and go.
import { Store } from '../store';

export interface Notice {
  id: number;
  text: string;
  tone: 'info' | 'error';
}

const SHOWN_MS = 5_000;
/** More at once are noise: the oldest go first. */
const SHOWN_MAX = 3;

type Change = { add: Notice } | { remove: number };

export const notices = new Store<Notice[], Change>(
  (shown, change) =>
    'add' in change
      ? [...shown, change.add].slice(-SHOWN_MAX)
      : shown.filter(({ id }) => id !== change.remove),
  [],
);

let last = 0;

export function notify(text: string, tone: Notice['tone'] = 'info'): void {
  if (notices.get().some((notice) => notice.text === text)) return;
  const id = ++last;
  notices.dispatch({ add: { id, text, tone } });
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  notices.dispatch({ remove: id });
}
