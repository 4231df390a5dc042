import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../signaling/chat';
import { MESSAGES_MAX, reacted, type TalkAction, talk, typing, typingWords } from './talk';

function line(id: string, more: Partial<ChatMessage> = {}): ChatMessage {
  const who = { sender_id: 'u-bob', sender_name: 'Bob' };
  return { id, ...who, message: 'hi', timestamp: '2026-01-01T00:00:00Z', recipientType: 'all', ...more };
}

const played = (lines: ChatMessage[], ...actions: TalkAction[]) => actions.reduce(talk, lines);

describe('lines of a conversation', () => {
  it('take an edit, a reaction and a deletion, and forget nothing else', () => {
    const edited = played([line('1'), line('2')], { type: 'message-edited', id: '2', text: 'hello' });
    expect(edited.map(({ message, edited }) => [message, edited])).toEqual([
      ['hi', undefined],
      ['hello', true],
    ]);
    const thumb = { type: 'message-reaction', id: '2', emoji: '👍', userId: 'u-eve', added: true } as const;
    expect(played(edited, thumb)[1]?.reactions).toEqual([{ emoji: '👍', users: ['u-eve'] }]);
    const gone = played(edited, thumb, { type: 'message-deleted', id: '2' })[1];
    expect(gone).toMatchObject({ deleted: true, message: '', reactions: [], attachments: [] });
  });

  it('are the same object when an action is about a line that is not here', () => {
    const lines = [line('1')];
    expect(talk(lines, { type: 'message-deleted', id: 'other' })).toBe(lines);
    expect(talk(lines, { type: 'messages-seen', ids: ['other'], userId: 'u' })).toBe(lines);
  });

  it('count a reader once, and never the writer', () => {
    const seen = { type: 'messages-seen', ids: ['1'], userId: 'u-eve' } as const;
    const lines = played([line('1')], seen, seen, { ...seen, userId: 'u-bob' });
    expect(lines[0]?.seenBy).toEqual(['u-eve']);
  });

  it('put history before what was heard meanwhile, each once, and stay bounded', () => {
    const many = Array.from({ length: MESSAGES_MAX }, (_, n) => line(`old${n}`));
    const lines = played([line('new'), line('old3')], { type: 'history', messages: many });
    expect(lines).toHaveLength(MESSAGES_MAX);
    expect(lines.at(-1)?.id).toBe('new');
    expect(lines.filter(({ id }) => id === 'old3')).toHaveLength(1);
  });
});

it('a reaction taken back by its last person goes away', () => {
  const once = reacted([], '🎉', 'u1', true);
  expect(reacted(once, '🎉', 'u1', true)).toEqual(once);
  expect(reacted(reacted(once, '🎉', 'u2', true), '🎉', 'u1', false)).toEqual([
    { emoji: '🎉', users: ['u2'] },
  ]);
  expect(reacted(once, '🎉', 'u1', false)).toEqual([]);
});

it('who writes is named once, and in words', () => {
  const ada = { userId: 'u1', userName: 'Ada' };
  const writing = typing(typing([], ada, true), ada, true);
  expect(writing).toEqual([ada]);
  expect(typing(writing, ada, false)).toEqual([]);
  expect(typingWords(['Ada'])).toBe('Ada is writing…');
  expect(typingWords(['Ada', 'Bo'])).toBe('Ada and Bo are writing…');
  expect(typingWords(['Ada', 'Bo', 'Cy'])).toBe('Several people are writing…');
});
