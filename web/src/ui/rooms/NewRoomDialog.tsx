// A new room: a name, and people from the meetings and rooms one is in.
import { type FormEvent, useCallback, useState } from 'react';
import type { Rooms } from '../../chat/rooms';
import type { ChatRoom } from '../../signaling/chat';
import { readable } from '../../signaling/errors';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Field, FormError } from '../base/Field';
import { type Chosen, PeoplePicker } from '../invite/PeoplePicker';
import { useServices } from '../services';
import { session } from '../session';
import { useLoaded } from '../useLoaded';
import { knownPeople, matching } from './known';
import styles from './RoomsPage.module.css';

const FOUND_MAX = 20;
/** As much of one's meetings as is looked through for people. */
const MEETINGS_MAX = 200;

interface NewRoomProps {
  rooms: Rooms;
  onMade: (room: ChatRoom) => void;
  onClose: () => void;
}

export function NewRoomDialog({ rooms, onMade, onClose }: NewRoomProps) {
  const { rest } = useServices();
  const meetings = useLoaded(() => rest.meetings(MEETINGS_MAX), [rest]);
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<Chosen[]>([]);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const { value } = meetings;
  const search = useCallback(
    async (query: string) => {
      const ownId = session.get().user?.id ?? '';
      const people = knownPeople(value?.meetings ?? [], rooms.store.get().rooms ?? [], ownId);
      return matching(people, query).slice(0, FOUND_MAX);
    },
    [value, rooms],
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim()) return;
    setBusy(true);
    try {
      onMade(
        await rooms.create(
          name.trim(),
          chosen.flatMap(({ user_id }) => user_id ?? []),
        ),
      );
    } catch (error) {
      setFailure(readable(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title="New room" onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        {failure && <FormError>{failure}</FormError>}
        <Field
          label="Name of the room"
          maxLength={100}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <PeoplePicker
          label="Members, from the people you meet"
          chosen={chosen}
          onChange={setChosen}
          search={search}
          byEmail={false}
        />
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="filled" busy={busy} disabled={!name.trim()}>
            Make the room
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
