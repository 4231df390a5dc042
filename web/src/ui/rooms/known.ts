// People one shares meetings or rooms with: whom a new room can be made of. Pure.
import type { ChatRoom } from '../../signaling/chat';
import type { Meeting } from '../../signaling/meeting';
import type { DirectoryUser } from '../../signaling/people';

export function knownPeople(
  meetings: readonly Meeting[],
  rooms: readonly ChatRoom[],
  ownId: string,
): DirectoryUser[] {
  const known = new Map<string, DirectoryUser>();
  const add = (id: string | null, name: string | null, email: string | null) => {
    if (!id || id === ownId || (known.has(id) && !email)) return;
    const rest = { user_type: '', profile_picture: null, department: null };
    known.set(id, { user_id: id, name: name ?? email ?? '', email: email ?? '', ...rest });
  };
  for (const { participants } of meetings)
    for (const one of participants) add(one.user_id, one.name, one.email);
  for (const { members } of rooms) for (const one of members) add(one.userId, one.userName, null);
  return [...known.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** Names that begin with what was typed come first, then any that hold it. */
export function matching(people: readonly DirectoryUser[], query: string): DirectoryUser[] {
  const wanted = query.toLocaleLowerCase();
  const rank = ({ name, email }: DirectoryUser) => {
    const text = name.toLocaleLowerCase();
    if (text.startsWith(wanted)) return 0;
    if (text.includes(` ${wanted}`)) return 1;
    return text.includes(wanted) || email.toLocaleLowerCase().includes(wanted) ? 2 : 3;
  };
  return people.filter((one) => rank(one) < 3).sort((a, b) => rank(a) - rank(b));
}
