// The list of keys, and the switch that turns them off.
import { useState } from 'react';
import { Dialog } from '../base/Dialog';
import { Switch } from '../base/Field';
import styles from './ShortcutsDialog.module.css';
import { SHORTCUTS, setShortcutsOn, shortcutsOn } from './shortcuts';

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const [on, setOn] = useState(shortcutsOn);
  const change = (next: boolean) => {
    setShortcutsOn(next);
    setOn(next);
  };
  return (
    <Dialog title="Keyboard shortcuts" narrow onClose={onClose}>
      <dl className={styles.list} data-off={!on || undefined}>
        {SHORTCUTS.map(({ key, does }) => (
          <div key={key}>
            <dt>{does}</dt>
            <dd>
              <kbd>{key}</kbd>
            </dd>
          </div>
        ))}
      </dl>
      <Switch label="Use these shortcuts" checked={on} onChange={change} />
    </Dialog>
  );
}
