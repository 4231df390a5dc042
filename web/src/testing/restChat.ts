// Pretended chat rooms and files.
import type { Attachment } from '../signaling/chat';
import type { WireMessage, WireRoom } from '../signaling/chatWire';
import type { Answer } from './rest';

/** Files that were sent, kept in the page. */
export class FakeFiles {
  readonly known = new Map<string, Attachment>();
  private readonly kept = new Map<string, Blob>();

  take(file: File): Attachment {
    const id = `file${this.known.size + 1}`;
    const url = `/api/chat/attachments/${id}`;
    const attachment = { id, name: file.name, size: file.size, type: file.type, url };
    this.known.set(id, attachment);
    this.kept.set(url, file);
    return attachment;
  }

  bytes(path: string): Blob | undefined {
    return this.kept.get(path);
  }
}

const PEOPLE = [
  ['u1', 'Ada Lindqvist'],
  ['u2', 'Bruno Costa'],
  ['u3', 'Chiara Rossi'],
] as const;

let lines = 0;

function line(roomId: string, who: number, content: string, minutesAgo: number): WireMessage {
  const [userId, userName] = PEOPLE[who] ?? PEOPLE[0];
  const timestamp = new Date(Date.now() - minutesAgo * 60_000).toISOString();
  return { messageId: `room-line-${++lines}`, roomId, userId, userName, content, timestamp, seen: true };
}

const LINES: Record<string, WireMessage[]> = {
  design: [
    line('design', 1, 'The new icons are in the folder.', 190),
    line('design', 2, 'Lovely! The hand is my favourite.', 184),
    {
      ...line('design', 0, 'Shall we show them on Thursday?', 12),
      reactions: [{ emoji: '👍', users: ['u2', 'u3'] }],
    },
    line('design', 1, 'Yes. I will bring the old ones as well, to compare.', 4),
  ],
  harbour: [line('harbour', 2, 'The pier is closed until Monday.', 1_600)],
};

function room(roomId: string, name: string, unreadCount: number): WireRoom {
  const members = PEOPLE.map(([userId, userName]) => ({ userId, userName }));
  const lastMessage = LINES[roomId]?.at(-1) ?? null;
  return {
    roomId,
    name,
    owner: 'u1',
    members,
    createdAt: new Date().toISOString(),
    lastMessage,
    unreadCount,
  };
}

export function chatAnswer(request: string, body: Record<string, unknown>): Answer | null {
  if (request === 'GET /api/chat/rooms') {
    return [200, [room('design', 'Design team', 0), room('harbour', 'Harbour planning', 2)], ''];
  }
  if (request === 'POST /api/chat/rooms') return [201, room('made', String(body.name), 0), ''];
  const roomId = /\/api\/chat\/rooms\/([^/]+)\/messages$/.exec(request)?.[1];
  if (roomId && request.startsWith('GET')) return [200, LINES[roomId] ?? [], ''];
  if (roomId) {
    const sent = line(roomId, 0, String(body.content), 0);
    LINES[roomId] = [...(LINES[roomId] ?? []), sent];
    return [201, sent, ''];
  }
  return request.includes(' /api/chat/') ? [200, {}, ''] : null;
}
