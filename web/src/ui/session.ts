// Who is logged in, in this tab: another tab can be another person.
import type { User } from '../signaling/meeting';
import { Store } from '../store';

export interface Session {
  token: string | null;
  user: User | null;
}

const MEMORY = 'plenum.session';
const NOBODY: Session = { token: null, user: null };

function remembered(): Session {
  try {
    return (JSON.parse(sessionStorage.getItem(MEMORY) ?? 'null') as Session | null) ?? NOBODY;
  } catch {
    return NOBODY;
  }
}

export const session = new Store<Session, Session>((_, next) => next, remembered());

session.subscribe(() => {
  const now = session.get();
  if (now.token) sessionStorage.setItem(MEMORY, JSON.stringify(now));
  else sessionStorage.removeItem(MEMORY);
});

export function logOut(): void {
  session.dispatch(NOBODY);
}
