// What may be done about one person: role, screen, microphone, hand, and the way out.
import { useState } from 'react';
import { connectionWords } from '../../room/connection';
import { isHost, ROLE_LABELS, rightsOf, rolesFor, runsMeeting } from '../../room/rights';
import { readable } from '../../signaling/errors';
import type { Permissions, Role } from '../../signaling/people';
import { Avatar } from '../base/Avatar';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Select, Switch } from '../base/Field';
import { notify } from '../notices';
import { useServices } from '../services';
import { useMeeting, usePerson, useRoom } from './context';
import styles from './PersonDialog.module.css';
import { useConnection } from './useConnection';

export function PersonDialog({ personKey, onClose }: { personKey: string; onClose: () => void }) {
  const { conference } = useMeeting();
  const { rest } = useServices();
  const meetingId = useRoom((state) => state.meeting?.id ?? '');
  const person = usePerson(personKey);
  const runs = useRoom(runsMeeting);
  const host = useRoom(isHost);
  const connection = useConnection(runs ? personKey : null);
  const [busy, setBusy] = useState(false);
  if (!person) return null;
  const { participantId, userName, role, permissions } = person;
  const roles = rolesFor(conference.store.get(), person);

  const change = async (newRole: Role, said: Partial<Permissions> = {}) => {
    setBusy(true);
    try {
      // The others see the label change; the person itself is always told.
      const wanted = { new_role: newRole, permissions: said, notify_others: true };
      await rest.people.changeRole(meetingId, participantId, wanted);
      conference.store.dispatch({
        type: 'role',
        participantId,
        role: newRole,
        permissions: rightsOf(newRole, said),
      });
    } catch (error) {
      notify(readable(error), 'error');
    }
    setBusy(false);
  };
  const putOut = async (act: () => Promise<void>, told: string) => {
    setBusy(true);
    try {
      await act();
      notify(told);
      onClose();
    } catch (error) {
      notify(readable(error), 'error');
      setBusy(false);
    }
  };
  const remove = () =>
    putOut(() => rest.people.remove(meetingId, [participantId]), `${userName} was removed.`);
  const block = () =>
    putOut(
      () => rest.security.block(meetingId, person.userId),
      `${userName} was removed and cannot come back.`,
    );
  const then = (act: Promise<unknown>) => {
    void act;
    onClose();
  };
  return (
    <Dialog title={userName} narrow onClose={onClose}>
      <div className={styles.body}>
        <p className={styles.who}>
          <Avatar id={person.userId} name={userName} size={44} />
          <span>
            {ROLE_LABELS[role]}
            <small data-testid="connection">{connectionWords(person.quality, connection)}</small>
          </span>
        </p>
        {roles.length > 0 && (
          <Select
            label="Role"
            value={role}
            disabled={busy}
            options={roles.map((value) => ({ value, label: ROLE_LABELS[value] }))}
            onChange={(value) => void change(value as Role)}
          />
        )}
        {runs && (
          <Switch
            label="May share the screen"
            checked={permissions.can_share_screen}
            onChange={(may) => void change(role, { can_share_screen: may })}
          />
        )}
        <div className={styles.actions}>
          {person.audio ? (
            <Button icon="mic-off" wide onClick={() => then(conference.desk.mute(participantId, true))}>
              Mute
            </Button>
          ) : (
            <Button icon="mic" wide onClick={() => then(conference.desk.mute(participantId, false))}>
              Allow to unmute
            </Button>
          )}
          {person.handRaisedAt !== null && (
            <Button icon="hand" wide onClick={() => then(conference.desk.lowerHand(participantId))}>
              Lower hand
            </Button>
          )}
          <Button look="danger" wide busy={busy} onClick={remove}>
            Remove from the meeting
          </Button>
          {host && role !== 'host' && (
            <Button icon="shield" wide busy={busy} onClick={block}>
              Remove and block
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
