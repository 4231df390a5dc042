// The written half of a meeting: sending, and what may be done to lines afterwards.
import type { Attachment, ChatMessage, RecipientType } from '../signaling/chat';
import type { Signaling } from '../signaling/events';
import type { Store } from '../store';
import type { Action } from './actions';
import type { RoomState } from './state';
import { TypingTeller } from './typing';

/** What the chat needs of the server beside the link. */
export interface ChatBackend {
  /** Lines written before we came, oldest first. */
  history: () => Promise<ChatMessage[]>;
  edit: (messageId: string, text: string) => Promise<void>;
  remove: (messageId: string) => Promise<void>;
  react: (messageId: string, emoji: string, add: boolean) => Promise<void>;
}

export interface Recipient {
  type: RecipientType;
  /** The user id, of a private line. */
  id?: string;
}

export class MeetingChat {
  readonly typing: TypingTeller;
  private readonly signaling: Signaling;
  private readonly meetingId: string;
  private readonly store: Store<RoomState, Action>;
  private readonly backend: ChatBackend;
  private readonly complain: (error: unknown) => void;

  constructor(
    signaling: Signaling,
    meetingId: string,
    store: Store<RoomState, Action>,
    backend: ChatBackend,
    complain: (error: unknown) => void,
  ) {
    this.signaling = signaling;
    this.meetingId = meetingId;
    this.store = store;
    this.backend = backend;
    this.complain = complain;
    this.typing = new TypingTeller((on) => {
      // Not worth a word when it fails: the line itself will say so.
      signaling.request('typing', { meetingId, typing: on }).catch(() => undefined);
    });
  }

  /** Lines of before, and those missed while the link was down. */
  async readUp(): Promise<void> {
    try {
      this.store.dispatch({ type: 'history', messages: await this.backend.history() });
    } catch {
      // The chat goes on without its past; it is not worth a message to somebody who came to talk.
    }
  }

  /** Resolves to false when the line was not taken, so that the writer can keep it. */
  async send(text: string, to: Recipient = { type: 'all' }, files: Attachment[] = []): Promise<boolean> {
    this.typing.sent();
    return this.try(
      this.signaling.request('send-message', {
        meetingId: this.meetingId,
        message: text,
        recipientType: to.type,
        ...(to.id ? { recipientId: to.id } : {}),
        ...(files.length > 0 ? { attachments: files.map(({ id }) => ({ id })) } : {}),
      }),
    );
  }

  async edit(id: string, text: string): Promise<boolean> {
    const taken = await this.try(this.backend.edit(id, text));
    if (taken) this.store.dispatch({ type: 'message-edited', id, text });
    return taken;
  }

  async remove(id: string): Promise<void> {
    if (await this.try(this.backend.remove(id))) this.store.dispatch({ type: 'message-deleted', id });
  }

  async react(id: string, emoji: string, added: boolean): Promise<void> {
    const { userId } = this.store.get().self;
    if (await this.try(this.backend.react(id, emoji, added))) {
      this.store.dispatch({ type: 'message-reaction', id, emoji, userId, added });
    }
  }

  private async try(asked: Promise<unknown>): Promise<boolean> {
    try {
      await asked;
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }
}
