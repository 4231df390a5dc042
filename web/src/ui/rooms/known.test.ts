import { expect, it } from 'vitest';
import { meeting } from '../../testing/rest';
import { knownPeople, matching } from './known';

it('people of meetings and rooms are known once, without oneself', () => {
  const room = {
    members: [
      { userId: 'u2', userName: 'Bruno Costa' },
      { userId: 'u9', userName: 'Zoe Martin' },
    ],
  };
  const people = knownPeople([meeting('m1', 'Review'), meeting('m2', 'Planning')], [room as never], 'u1');
  expect(people.filter(({ user_id }) => user_id === 'u2')).toHaveLength(1);
  expect(people.some(({ user_id }) => user_id === 'u1')).toBe(false);
  expect(people.at(-1)?.name).toBe('Zoe Martin');
});

it('names that begin with what was typed come before those that hold it', () => {
  const rest = { user_type: '', profile_picture: null, department: null };
  const people = ['Marcosta Ruiz', 'Bruno Costa', 'Costa Silva', 'Ada'].map((name) => ({
    user_id: name,
    name,
    email: '',
    ...rest,
  }));
  expect(matching(people, 'costa').map(({ name }) => name)).toEqual([
    'Costa Silva',
    'Bruno Costa',
    'Marcosta Ruiz',
  ]);
});
