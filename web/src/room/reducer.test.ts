import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../signaling/chat';
import type { MeetingJoined, PresentParticipant } from '../signaling/events';
import type { Meeting } from '../signaling/meeting';
import type { Action } from './actions';
import { reduce } from './reducer';
import { isHost } from './rights';
import { everybody, handQueue, isSpeaking, outside, type RoomState, sharers } from './state';

const MEETING = { id: 'm1', meeting_name: 'Standup', creator_id: 'u-ada' } as Meeting;

function present(name: string, more: Partial<PresentParticipant> = {}): PresentParticipant {
  const base = { participantId: `p-${name}`, userId: `u-${name}`, userName: name };
  return { ...base, audio: true, video: true, screen: false, producers: [], ...more };
}

function answer(participantId: string, participants: PresentParticipant[]): MeetingJoined {
  const webrtcConfig = { router_id: 'r', router_capabilities: {}, ice_servers: [] };
  return { meeting: MEETING, participantId, participants, webrtcConfig };
}

function play(state: RoomState, ...actions: Action[]): RoomState {
  return actions.reduce(reduce, state);
}

function inside(...participants: PresentParticipant[]): RoomState {
  const before = outside({ userId: 'u-ada', userName: 'ada' });
  return play(before, { type: 'joined', joined: answer('p-ada-1', participants) });
}

function line(id: string, sender: string): ChatMessage {
  const timestamp = '2026-01-01T00:00:00Z';
  return { id, sender_id: sender, sender_name: sender, message: 'hi', timestamp, recipientType: 'all' };
}

describe('joining', () => {
  it('jf_02 takes the people who were there, without oneself among them', () => {
    const state = inside(present('bob'), present('cleo', { video: false }));
    expect(state.phase).toBe('inside');
    expect(everybody(state).map(({ userName }) => userName)).toEqual(['ada', 'bob', 'cleo']);
    expect(state.people['p-cleo']?.video).toBe(false);
    expect(isHost(state)).toBe(true);
  });

  it('jf_03 adds somebody who joins later, once', () => {
    const arrival: Action = { type: 'person-joined', person: present('bob') };
    const state = play(inside(), arrival, arrival);
    expect(state.order).toEqual(['p-bob']);
  });

  it('jf_04 removes somebody who left, and their speaker mark', () => {
    const state = play(
      inside(present('bob')),
      { type: 'speaker', participantId: 'p-bob' },
      { type: 'person-left', participantId: 'p-bob' },
    );
    expect(state.order).toEqual([]);
    expect(state.activeSpeaker).toBeNull();
    expect(state.recentSpeakers).toEqual([]);
  });

  it('marks everybody who is heard, and nobody who left or is not known', () => {
    const heard = (...participantIds: string[]): Action => ({ type: 'speakers', participantIds });
    const state = play(inside(present('bob'), present('cleo')), heard('p-cleo', 'p-ada-1', 'p-nobody'));
    expect(state.speakers).toEqual(['p-cleo', 'self']);
    expect(['p-bob', 'p-cleo', 'self'].map((key) => isSpeaking(state, key))).toEqual([false, true, true]);
    const dominant = play(state, { type: 'speaker', participantId: 'p-bob' });
    expect(isSpeaking(dominant, 'p-bob')).toBe(true);
    expect(play(state, { type: 'person-left', participantId: 'p-cleo' }).speakers).toEqual(['self']);
    expect(play(state, heard()).speakers).toEqual([]);
  });

  it('ignores the departure of a stranger without making a new state', () => {
    const state = inside(present('bob'));
    expect(reduce(state, { type: 'person-left', participantId: 'p-nobody' })).toBe(state);
  });
});

describe('rejoining after a broken link', () => {
  it('keeps the keys of people whose sessions went on', () => {
    const state = play(inside(present('bob'), present('cleo')), {
      type: 'joined',
      joined: answer('p-ada-2', [present('cleo'), present('bob')]),
    });
    expect(state.self.participantId).toBe('p-ada-2');
    expect(state.order).toEqual(['p-bob', 'p-cleo']);
  });

  it('keeps the key of a person who came back under a new participant id', () => {
    const state = play(inside(present('bob')), {
      type: 'joined',
      joined: answer('p-ada-2', [present('bob', { participantId: 'p-bob-2' })]),
    });
    expect(state.order).toEqual(['p-bob']);
    expect(state.people['p-bob']?.participantId).toBe('p-bob-2');
  });

  it('does not list our own former session', () => {
    const ghost = present('ada', { participantId: 'p-ada-1' });
    const state = play(inside(), { type: 'joined', joined: answer('p-ada-2', [ghost]) });
    expect(state.order).toEqual([]);
  });

  it('lets missing people linger, gives them their place back, and forgets the rest after the grace', () => {
    const rejoined = play(inside(present('bob'), present('cleo')), {
      type: 'joined',
      joined: answer('p-ada-2', []),
    });
    expect(rejoined.people['p-bob']?.lingering).toBe(true);
    const returned = play(rejoined, {
      type: 'person-joined',
      person: present('cleo', { participantId: 'p-cleo-2' }),
    });
    expect(returned.order).toEqual(['p-bob', 'p-cleo']);
    expect(returned.people['p-cleo']).toMatchObject({ lingering: false, participantId: 'p-cleo-2' });
    expect(play(returned, { type: 'grace-over' }).order).toEqual(['p-cleo']);
  });

  it('gives two devices of one user two keys', () => {
    const state = inside(present('bob'), present('bob', { participantId: 'p-bob-phone' }));
    const again = play(state, {
      type: 'joined',
      joined: answer('p-ada-2', [
        present('bob', { participantId: 'p-x' }),
        present('bob', { participantId: 'p-y' }),
      ]),
    });
    expect(again.order).toEqual(['p-bob', 'p-bob-phone']);
    expect(Object.values(again.people).map(({ participantId }) => participantId)).toEqual(['p-x', 'p-y']);
  });
});

describe('media', () => {
  const screen = { producerId: 's1', kind: 'video', source: 'screen' } as const;

  it('follows the switches of the others and trusts its own for itself', () => {
    const state = play(
      inside(present('bob')),
      { type: 'own-media', audio: true, video: true },
      { type: 'media-updated', participantId: 'p-bob', audio: false, video: true, screen: false },
      { type: 'media-updated', participantId: 'p-ada-1', audio: false, video: false, screen: false },
    );
    expect(state.people['p-bob']?.audio).toBe(false);
    expect(state.self).toMatchObject({ audio: true, video: true });
  });

  it('knows who shares a screen from the producers', () => {
    const sharing = play(inside(present('bob')), {
      type: 'producer-added',
      participantId: 'p-bob',
      producer: screen,
    });
    expect(sharers(sharing).map(({ key }) => key)).toEqual(['p-bob']);
    const stopped = play(sharing, { type: 'producer-closed', participantId: 'p-bob', producerId: 's1' });
    expect(sharers(stopped)).toEqual([]);
  });

  it('add_ev_13 media-reset forgets producers but nobody', () => {
    const state = play(inside(present('bob', { producers: [screen] })), { type: 'media-reset' });
    expect(state.people['p-bob']?.producers).toEqual([]);
    expect(state.mediaRestarting).toBe(true);
    expect(state.order).toEqual(['p-bob']);
  });

  it('changes only the person concerned, so that only their tile renders again', () => {
    const before = inside(present('bob'), present('cleo'));
    const after = reduce(before, { type: 'quality', participantId: 'p-bob', quality: 'poor' });
    expect(after.people['p-cleo']).toBe(before.people['p-cleo']);
    expect(after.people['p-bob']).not.toBe(before.people['p-bob']);
    expect(after.order).toBe(before.order);
  });
});

describe('hands', () => {
  it('kcs_ws_21 queues hands in the order they went up', () => {
    const state = play(
      inside(present('bob', { handRaised: true }), present('cleo')),
      { type: 'hand', participantId: 'p-ada-1', raised: true, at: 20 },
      { type: 'hand', participantId: 'p-cleo', raised: true, at: 10 },
    );
    expect(handQueue(state).map(({ userName }) => userName)).toEqual(['bob', 'cleo', 'ada']);
    const lowered = play(state, { type: 'hand', participantId: 'p-cleo', raised: false, at: 30 });
    expect(handQueue(lowered).map(({ userName }) => userName)).toEqual(['bob', 'ada']);
  });

  it('keeps the place of a hand that is raised twice', () => {
    const up: Action = { type: 'hand', participantId: 'p-bob', raised: true, at: 5 };
    expect(play(inside(present('bob')), up, { ...up, at: 50 }).people['p-bob']?.handRaisedAt).toBe(5);
  });
});

describe('chat', () => {
  it('counts unread lines of others while the chat is closed, and none once it is open', () => {
    const state = play(
      inside(),
      { type: 'message', message: line('1', 'u-bob') },
      { type: 'message', message: line('2', 'u-ada') },
      { type: 'message', message: line('3', 'u-bob') },
    );
    expect(state.unread).toBe(2);
    const open = play(
      state,
      { type: 'panel', panel: 'chat' },
      { type: 'message', message: line('4', 'u-bob') },
    );
    expect(open.unread).toBe(0);
    expect(open.messages).toHaveLength(4);
  });

  it('shows a line once that came by history and by event', () => {
    const state = play(
      inside(),
      { type: 'message', message: line('2', 'u-bob') },
      { type: 'history', messages: [line('1', 'u-bob'), line('2', 'u-bob')] },
      { type: 'message', message: line('1', 'u-bob') },
    );
    expect(state.messages.map(({ id }) => id)).toEqual(['1', '2']);
  });

  it('keeps at most 500 lines', () => {
    const lines = Array.from(
      { length: 600 },
      (_, n): Action => ({ type: 'message', message: line(`${n}`, 'u-bob') }),
    );
    const state = play(inside(), ...lines);
    expect(state.messages).toHaveLength(500);
    expect(state.messages.at(-1)?.id).toBe('599');
  });
});

it('empties the room when the meeting ends', () => {
  const state = play(inside(present('bob')), { type: 'ended', by: 'u-bob' });
  expect(state).toMatchObject({ phase: 'ended', order: [], endedBy: 'u-bob' });
});
