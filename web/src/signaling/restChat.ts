// Chat over REST: the lines of rooms (every meeting is one), what is done to them, rooms themselves, and files.
import type { Attachment, ChatMessage, ChatRoom } from './chat';
import { room, roomLine, type WireMessage, type WireRoom } from './chatWire';
import { type Http, query } from './http';

export class ChatRest {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  /** The newest lines of a room, or those before a line; oldest first. A meeting's id is its room's. */
  async lines(roomId: string, limit: number, before?: string): Promise<ChatMessage[]> {
    const path = `${this.roomPath(roomId)}/messages${query({ limit, before })}`;
    return (await this.http.data<WireMessage[]>('GET', path)).map(roomLine);
  }

  async send(roomId: string, content: string, files: Attachment[]): Promise<ChatMessage> {
    const attachments = files.map(({ id }) => id);
    const body = { content, ...(files.length > 0 ? { attachments } : {}) };
    return roomLine(await this.http.data<WireMessage>('POST', `${this.roomPath(roomId)}/messages`, body));
  }

  async edit(messageId: string, content: string): Promise<void> {
    await this.http.call('PUT', messagePath(messageId), { content });
  }

  async remove(messageId: string): Promise<void> {
    await this.http.call('DELETE', messagePath(messageId));
  }

  async react(messageId: string, emoji: string, add: boolean): Promise<void> {
    await this.http.call('POST', `${messagePath(messageId)}/reactions`, {
      emoji,
      action: add ? 'add' : 'remove',
    });
  }

  async rooms(): Promise<ChatRoom[]> {
    return (await this.http.data<WireRoom[]>('GET', '/api/chat/rooms')).map(room);
  }

  async createRoom(name: string, members: string[]): Promise<ChatRoom> {
    return room(await this.http.data<WireRoom>('POST', '/api/chat/rooms', { name, members }));
  }

  async addMembers(roomId: string, members: string[]): Promise<ChatRoom> {
    return room(await this.http.data<WireRoom>('POST', `${this.roomPath(roomId)}/members`, { members }));
  }

  /** Takes somebody out; oneself is leaving. */
  async removeMember(roomId: string, userId: string): Promise<void> {
    await this.http.call('DELETE', `${this.roomPath(roomId)}/members/${encodeURIComponent(userId)}`);
  }

  /** Sends a file ahead; a line then refers to it. */
  upload(file: File, onProgress: (share: number) => void, signal?: AbortSignal): Promise<Attachment> {
    const form = new FormData();
    form.append('file', file, file.name);
    return this.http.sendForm('/api/chat/attachments', form, onProgress, signal);
  }

  /** Takes back a file that was not sent. */
  async discard(attachmentId: string): Promise<void> {
    await this.http.call('DELETE', `/api/chat/attachments/${encodeURIComponent(attachmentId)}`);
  }

  /** The bytes of an attachment. */
  file(attachment: Attachment): Promise<Blob> {
    return this.http.file(attachment.url);
  }

  private roomPath(roomId: string): string {
    return `/api/chat/rooms/${encodeURIComponent(roomId)}`;
  }
}

function messagePath(messageId: string): string {
  return `/api/chat/messages/${encodeURIComponent(messageId)}`;
}
