// Lines of a conversation and what becomes of them. Pure; the meeting's chat and the standing rooms share it.
import type { ChatMessage, Reaction } from '../signaling/chat';

/** Older lines than this stay in the server's history; a conversation never fills the tab's memory. */
export const MESSAGES_MAX = 500;

export type TalkAction =
  | { type: 'message'; message: ChatMessage }
  | { type: 'history'; messages: ChatMessage[] }
  | { type: 'message-edited'; id: string; text: string }
  | { type: 'message-deleted'; id: string }
  | { type: 'message-reaction'; id: string; emoji: string; userId: string; added: boolean }
  | { type: 'messages-seen'; ids: readonly string[]; userId: string };

/** The lines after an action; the same array when nothing changed. */
export function talk(lines: ChatMessage[], action: TalkAction): ChatMessage[] {
  switch (action.type) {
    case 'message':
      if (lines.some((known) => known.id === action.message.id)) return lines;
      return [...lines, action.message].slice(-MESSAGES_MAX);
    case 'history':
      return merged(action.messages, lines);
    case 'message-edited':
      return changed(lines, action.id, (line) => ({ ...line, message: action.text, edited: true }));
    case 'message-deleted':
      return changed(lines, action.id, (line) => ({
        ...line,
        message: '',
        deleted: true,
        attachments: [],
        reactions: [],
      }));
    case 'message-reaction':
      return changed(lines, action.id, (line) => ({
        ...line,
        reactions: reacted(line.reactions ?? [], action.emoji, action.userId, action.added),
      }));
    case 'messages-seen':
      return seen(lines, action.ids, action.userId);
  }
}

/** History from the server and lines heard meanwhile, each once, in the server's order first. */
function merged(history: ChatMessage[], heard: ChatMessage[]): ChatMessage[] {
  const known = new Set(history.map((line) => line.id));
  return [...history, ...heard.filter((line) => !known.has(line.id))].slice(-MESSAGES_MAX);
}

function changed(
  lines: ChatMessage[],
  id: string,
  change: (line: ChatMessage) => ChatMessage,
): ChatMessage[] {
  const at = lines.findIndex((line) => line.id === id);
  const line = lines[at];
  return line ? lines.with(at, change(line)) : lines;
}

export function reacted(reactions: Reaction[], emoji: string, userId: string, added: boolean): Reaction[] {
  const before = reactions.find((reaction) => reaction.emoji === emoji);
  if (!before) return added ? [...reactions, { emoji, users: [userId] }] : reactions;
  const others = before.users.filter((user) => user !== userId);
  const users = added ? [...others, userId] : others;
  const rest = reactions.map((reaction) => (reaction === before ? { emoji, users } : reaction));
  return rest.filter((reaction) => reaction.users.length > 0);
}

function seen(lines: ChatMessage[], ids: readonly string[], userId: string): ChatMessage[] {
  const wanted = new Set(ids);
  const news = lines.some((line) => wanted.has(line.id) && !line.seenBy?.includes(userId));
  if (!news) return lines;
  return lines.map((line) =>
    wanted.has(line.id) && line.sender_id !== userId
      ? { ...line, seenBy: [...new Set([...(line.seenBy ?? []), userId])] }
      : line,
  );
}

export interface Typist {
  userId: string;
  userName: string;
}

/** More names than this say nothing more. */
const TYPISTS_MAX = 20;

export function typing(typists: Typist[], who: Typist, on: boolean): Typist[] {
  const known = typists.some(({ userId }) => userId === who.userId);
  if (known === on) return typists;
  return on ? [...typists, who].slice(-TYPISTS_MAX) : typists.filter(({ userId }) => userId !== who.userId);
}

/** "Ada is writing", "Ada and Bo are writing", "Several people are writing". */
export function typingWords(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length === 1) return `${names[0]} is writing…`;
  return names.length === 2 ? `${names[0]} and ${names[1]} are writing…` : 'Several people are writing…';
}
