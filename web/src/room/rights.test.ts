import { describe, expect, it } from 'vitest';
import type { Meeting } from '../signaling/meeting';
import type { Role } from '../signaling/people';
import type { SecurityPolicy } from '../signaling/security';
import { mayBeSeen, mayChat, mayManage, mayRecord, mayShareScreen, rightsOf, rolesFor } from './rights';
import { NO_POLICY, newPerson, outside, type RoomState } from './state';

function as(role: Role, features = {}): RoomState {
  const state = outside({ userId: 'u-me', userName: 'Me' });
  const meeting = { id: 'm1', creator_id: 'u-creator', features } as Meeting;
  return { ...state, meeting, self: { ...state.self, role, permissions: rightsOf(role) } };
}

const person = (role: Role, userId = 'u-other') =>
  newPerson({ key: userId, userId, userName: 'Other', role });

describe('what is offered about somebody', () => {
  it.each([
    ['host', 'attendee', true, 4],
    ['host', 'host', true, 4],
    ['co_host', 'attendee', true, 3],
    ['co_host', 'host', false, 0],
    ['presenter', 'attendee', false, 0],
    ['attendee', 'attendee', false, 0],
  ] as const)('a %s manages a %s: %s, and gives %i roles', (own, other, manages, roles) => {
    expect(mayManage(as(own), person(other))).toBe(manages);
    expect(rolesFor(as(own), person(other))).toHaveLength(roles);
  });

  it('nobody demotes whoever made the meeting', () => {
    expect(rolesFor(as('host'), person('host', 'u-creator'))).toEqual([]);
  });

  it('nobody manages oneself', () => {
    const state = as('host');
    expect(mayManage(state, state.self)).toBe(false);
  });
});

it('a right that was taken away counts more than the role', () => {
  expect(rightsOf('attendee').can_share_screen).toBe(true);
  expect(rightsOf('host', { can_share_screen: false }).can_share_screen).toBe(false);
});

it('a screen needs the right and the feature, a recording as well', () => {
  expect(mayShareScreen(as('attendee'))).toBe(true);
  expect(mayShareScreen(as('host', { screen_sharing_enabled: false }))).toBe(false);
  expect(mayRecord(as('co_host', { recording_enabled: true }))).toBe(true);
  expect(mayRecord(as('co_host'))).toBe(false);
  expect(mayRecord(as('attendee', { recording_enabled: true }))).toBe(false);
});

describe('the policy of a meeting', () => {
  const under = (role: Role, policy: Partial<SecurityPolicy>) => {
    const state = as(role, { recording_enabled: true });
    return { ...state, policy: { ...NO_POLICY, ...policy } };
  };

  it.each([
    ['host', true],
    ['co_host', true],
    ['presenter', false],
    ['attendee', false],
  ] as const)('leaves a %s what is left to hosts: %s', (role, may) => {
    expect(mayShareScreen(under(role, { screenSharePermissions: 'host' }))).toBe(may);
    expect(mayChat(under(role, { chatPermissions: 'host' }))).toBe(may);
    expect(mayBeSeen(under(role, { disableCamera: true }))).toBe(may);
    expect(mayRecord(under(role, { recordingPermissions: 'host' }))).toBe(may);
  });

  it('opens recording to everybody, and nothing else that somebody has no right to', () => {
    expect(mayRecord(under('attendee', { recordingPermissions: 'all' }))).toBe(true);
    const state = under('attendee', { screenSharePermissions: 'all' });
    const without = { ...state.self.permissions, can_share_screen: false };
    expect(mayShareScreen({ ...state, self: { ...state.self, permissions: without } })).toBe(false);
  });

  it('does not turn on what is turned off', () => {
    const off = as('host', { chat_enabled: false });
    expect(mayChat({ ...off, policy: { ...NO_POLICY, chatPermissions: 'all' } })).toBe(false);
  });
});
