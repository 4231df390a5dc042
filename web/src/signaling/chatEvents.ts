// The Socket.IO words about chat rooms; every meeting is one too, under its own id.
import type { WireMessage } from './chatWire';

export type ChatStatus = 'online' | 'away' | 'busy' | 'offline';

export interface RoomUser {
  userId: string;
  userName: string;
  status: ChatStatus;
}

/** Client to server. */
export interface ChatRequests {
  'join-chat-rooms': { send: { roomIds: string[] }; reply: { rooms?: string[] } };
  'leave-chat-room': { send: { roomId: string }; reply: object };
  'chat-typing': { send: { roomId: string; isTyping: boolean }; reply: object };
  'mark-messages-seen': { send: { roomId: string; messageIds: string[] }; reply: object };
  'get-room-online-users': { send: { roomId: string }; reply: object };
}

interface About<Data> {
  data: Data;
}

/** Server to client. */
export interface ChatEvents {
  'new-chat-message': About<WireMessage>;
  'chat-message-edited': About<{ messageId: string; roomId: string; newContent: string }>;
  'chat-message-deleted': About<{ messageId: string; roomId?: string }>;
  'chat-message-reaction': About<{
    messageId: string;
    roomId: string;
    emoji: string;
    userId: string;
    action: 'add' | 'remove';
  }>;
  'messages-seen': { userId: string; roomId: string; messageIds: string[] };
  'chat-user-typing': { userId: string; userName: string; roomId: string; isTyping: boolean };
  'chat-user-status-changed': { userId: string; status: ChatStatus };
  'chat-notification': {
    type: 'new-chat' | 'mention' | 'room-update' | 'user-joined' | 'user-left';
    data: { roomId: string; userId?: string; change?: string };
  };
  'room-online-users': { roomId: string; users: RoomUser[] };
}
