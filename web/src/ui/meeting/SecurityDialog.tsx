// Who may come in, and what is left to hosts: the security policy of a running meeting, for its hosts.
import { useCallback, useEffect, useState } from 'react';
import { readable } from '../../signaling/errors';
import type { Level, PolicyChange, PolicySettings } from '../../signaling/security';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { FormError, Select, Switch } from '../base/Field';
import { notify } from '../notices';
import { useServices } from '../services';
import { useRoom } from './context';
import styles from './SecurityDialog.module.css';

const LEVELS = [
  { value: 'all', label: 'Everybody' },
  { value: 'host', label: 'Hosts and co-hosts' },
];
/** Until somebody chooses, recording belongs to people with a right to it; there is no way back to that. */
const BY_RIGHT = { value: '', label: 'Whoever has the right to' };

export function SecurityDialog({ onClose }: { onClose: () => void }) {
  const { rest } = useServices();
  const meetingId = useRoom((state) => state.meeting?.id ?? '');
  const [policy, setPolicy] = useState<PolicySettings | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const read = useCallback(
    () => rest.security.read(meetingId).then(setPolicy, (error: unknown) => setTrouble(readable(error))),
    [rest, meetingId],
  );
  useEffect(() => void read(), [read]);

  const change = async (wanted: PolicyChange) => {
    // Shown at once; what the server does not take is shown as it was.
    setPolicy((now) => now && { ...now, ...wanted });
    try {
      await rest.security.apply(meetingId, wanted);
    } catch (error) {
      notify(readable(error), 'error');
      await read();
    }
  };
  return (
    <Dialog title="Security" narrow onClose={onClose}>
      <div className={styles.body}>
        {trouble && <FormError>{trouble}</FormError>}
        {policy && (
          <>
            <Door policy={policy} onChange={change} />
            <Allowed policy={policy} onChange={change} />
            <Blocked policy={policy} onChange={change} />
          </>
        )}
      </div>
    </Dialog>
  );
}

interface PartProps {
  policy: PolicySettings;
  onChange: (change: PolicyChange) => void;
}

function Door({ policy, onChange }: PartProps) {
  return (
    <fieldset className={styles.group}>
      <legend>Coming in</legend>
      <Switch
        label="Lock the meeting"
        hint="Nobody else comes in but hosts. Everybody inside stays."
        checked={policy.lock_meeting}
        onChange={(lock_meeting) => onChange({ lock_meeting })}
      />
      <Switch
        label="Waiting room"
        hint="A host or co-host lets people in one by one."
        checked={policy.require_waiting_room}
        onChange={(require_waiting_room) => onChange({ require_waiting_room })}
      />
      <Switch
        label="Mute people as they come in"
        checked={policy.mute_on_entry}
        onChange={(mute_on_entry) => onChange({ mute_on_entry })}
      />
    </fieldset>
  );
}

function Allowed({ policy, onChange }: PartProps) {
  const recording = policy.recording_permissions;
  return (
    <fieldset className={styles.group}>
      <legend>Who may</legend>
      <Select
        label="Share a screen"
        value={policy.screen_share_permissions}
        options={LEVELS}
        onChange={(value) => onChange({ screen_share_permissions: value as Level })}
      />
      <Select
        label="Write in the chat"
        value={policy.chat_permissions}
        options={LEVELS}
        onChange={(value) => onChange({ chat_permissions: value as Level })}
      />
      <Select
        label="Record"
        value={recording ?? ''}
        options={recording === null ? [BY_RIGHT, ...LEVELS] : LEVELS}
        onChange={(value) => value !== '' && onChange({ recording_permissions: value as Level })}
      />
      <Switch
        label="Cameras of hosts only"
        hint="And of co-hosts. The others are heard and not seen."
        checked={policy.disable_camera}
        onChange={(disable_camera) => onChange({ disable_camera })}
      />
    </fieldset>
  );
}

function Blocked({ policy, onChange }: PartProps) {
  const { blocked_users: blocked } = policy;
  const listed = useRoom((state) => state.meeting?.participants);
  const nameOf = (userId: string) =>
    listed?.find(({ user_id }) => user_id === userId)?.name ?? 'Somebody who is not on the list';
  return (
    <section className={styles.group}>
      <h3>Blocked people</h3>
      {blocked.length === 0 && (
        <p className={styles.note}>Nobody. To block somebody, choose the person among the participants.</p>
      )}
      <ul className={styles.blocked}>
        {blocked.map((userId) => (
          <li key={userId}>
            <span>{nameOf(userId)}</span>
            <Button
              look="plain"
              onClick={() => onChange({ blocked_users: blocked.filter((id) => id !== userId) })}
            >
              Unblock
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
