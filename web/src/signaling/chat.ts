// Written conversation: lines of a meeting or of a standing room, with files, reactions and who has seen them.

export type RecipientType = 'all' | 'private' | 'host';

/** A file that has been sent to a room and can be fetched by its members. */
export interface Attachment {
  id: string;
  name: string;
  /** Bytes. */
  size: number;
  /** MIME type as the server checked it. */
  type: string;
  /** Where it is; needs the login. */
  url: string;
}

export interface Reaction {
  emoji: string;
  /** User ids, in order of reacting. */
  users: string[];
}

/** One line, whichever of the two conversations it belongs to. */
export interface ChatMessage {
  id: string;
  sender_id: string;
  sender_name: string;
  message: string;
  timestamp: string;
  recipientType: RecipientType;
  recipientId?: string | null;
  edited?: boolean;
  deleted?: boolean;
  attachments?: Attachment[];
  reactions?: Reaction[];
  /** Not seen by us yet, as far as the server knows. */
  unseen?: boolean;
  /** User ids of others who have seen it. */
  seenBy?: string[];
}

/** A standing room (ADD-03), with its newest line. */
export interface ChatRoom {
  roomId: string;
  name: string;
  /** User id of who may rename, add and remove. */
  owner: string;
  members: { userId: string; userName: string }[];
  createdAt: string;
  last: ChatMessage | null;
  unread: number;
}
