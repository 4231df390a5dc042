// Lines of chat as the server's JSON has them, and what the client makes of them.
import type { Attachment, ChatMessage, ChatRoom, Reaction, RecipientType } from './chat';

/** KCS-15, and `message` of `new-message`. */
export interface WireLine {
  id: string;
  sender_id: string;
  sender_name: string;
  message: string;
  timestamp: string;
  recipientType?: RecipientType;
  recipient_type?: RecipientType;
  recipient_id?: string | null;
  edited_at?: string | null;
  is_deleted?: boolean;
  attachments?: Attachment[];
}

/** A line as chat rooms have it (ADD-04); those of a meeting can be read that way as well. */
export interface WireMessage {
  messageId: string;
  roomId: string;
  userId: string;
  userName: string;
  content: string;
  timestamp: string;
  recipientType?: RecipientType;
  recipientId?: string | null;
  attachments?: Attachment[];
  reactions?: Reaction[];
  editedAt?: string | null;
  isDeleted?: boolean;
  seen?: boolean;
}

/** ADD-03. */
export interface WireRoom extends Omit<ChatRoom, 'last' | 'unread'> {
  lastMessage: WireMessage | null;
  unreadCount: number;
}

export function chatLine(wire: WireLine): ChatMessage {
  return {
    id: wire.id,
    sender_id: wire.sender_id,
    sender_name: wire.sender_name,
    message: wire.message,
    timestamp: wire.timestamp,
    recipientType: wire.recipient_type ?? wire.recipientType ?? 'all',
    recipientId: wire.recipient_id ?? null,
    edited: Boolean(wire.edited_at),
    deleted: wire.is_deleted ?? false,
    attachments: wire.attachments ?? [],
    reactions: [],
  };
}

export function roomLine(wire: WireMessage): ChatMessage {
  return {
    id: wire.messageId,
    sender_id: wire.userId,
    sender_name: wire.userName,
    message: wire.content,
    timestamp: wire.timestamp,
    recipientType: wire.recipientType ?? 'all',
    recipientId: wire.recipientId ?? null,
    edited: Boolean(wire.editedAt),
    deleted: wire.isDeleted ?? false,
    attachments: wire.attachments ?? [],
    reactions: (wire.reactions ?? []).map(({ emoji, users }) => ({ emoji, users })),
    unseen: wire.seen === false,
  };
}

export function room({ lastMessage, unreadCount, ...wire }: WireRoom): ChatRoom {
  return { ...wire, last: lastMessage && roomLine(lastMessage), unread: unreadCount };
}
