// Who sees the administrators' pages; the server decides what is in them.
import type { User } from '../../signaling/meeting';

export function isAdmin({ user_type }: User): boolean {
  return user_type === 'admin' || user_type === 'campus_admin';
}
