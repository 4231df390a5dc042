// The standing chat rooms of one person: keeps the state in step with the server while the page is open.

import type { TalkAction } from '../room/talk';
import { TypingTeller } from '../room/typing';
import { talkEvents } from '../room/wire';
import type { Attachment, ChatMessage, ChatRoom } from '../signaling/chat';
import { roomLine } from '../signaling/chatWire';
import { isLostLogin, readable, SignalingError } from '../signaling/errors';
import type { RequestName, Requests, Signaling } from '../signaling/events';
import type { ChatRest } from '../signaling/restChat';
import { Store } from '../store';
import { NO_ROOMS, type RoomsAction, type RoomsState, reduceRooms } from './state';

/** As many lines as are asked for at once. */
const PAGE = 60;
/** The server takes no more at once. */
const SEEN_MAX = 100;

export interface RoomsParts {
  signaling: Signaling;
  rest: ChatRest;
  ownId: string;
  /** Whether somebody looks at the page. */
  watched: () => boolean;
  notify: (text: string, tone: 'info' | 'error') => void;
  onLostLogin: () => void;
}

export class Rooms {
  readonly store = new Store<RoomsState, RoomsAction>(reduceRooms, NO_ROOMS);
  readonly typing: TypingTeller;
  private readonly parts: RoomsParts;
  private readonly ends: (() => void)[] = [];

  constructor(parts: RoomsParts) {
    this.parts = parts;
    this.typing = new TypingTeller((on) => {
      const { open } = this.store.get();
      if (open) this.ask('chat-typing', { roomId: open, isTyping: on });
    });
  }

  /** Connects and follows; returns the way to stop. */
  start(): () => void {
    const { signaling } = this.parts;
    const { dispatch } = this.store;
    const on = signaling.on.bind(signaling);
    this.ends.push(
      signaling.onLink((link) => {
        if (link.state === 'connected') void this.refresh();
        if (link.state === 'refused' && isLostLogin(new SignalingError(link.message)))
          this.parts.onLostLogin();
      }),
      on('new-chat-message', ({ data }) => this.heard(data.roomId, roomLine(data))),
      on('chat-user-typing', ({ roomId, userId, userName, isTyping }) =>
        dispatch({ type: 'typing', roomId, who: { userId, userName }, on: isTyping }),
      ),
      on('chat-user-status-changed', ({ userId, status }) =>
        dispatch({ type: 'present', users: [{ userId, status }] }),
      ),
      on('room-online-users', ({ users }) => dispatch({ type: 'present', users })),
      on('chat-notification', ({ type }) => {
        // Rooms came, went or changed their people: what is listed is asked for anew.
        if (type !== 'mention') void this.refresh();
      }),
      ...talkEvents(signaling, (change) => this.talked(change)),
    );
    signaling.connect();
    return () => {
      for (const end of this.ends.splice(0)) end();
      signaling.close();
    };
  }

  async open(roomId: string | null): Promise<void> {
    this.typing.stopped();
    this.store.dispatch({ type: 'opened', roomId });
    if (roomId) await this.readUp(roomId);
  }

  async earlier(): Promise<void> {
    const { open, lines } = this.store.get();
    if (open) await this.page(open, lines[0]?.id);
  }

  /** Resolves to false when the line was not taken, so that the writer can keep it. */
  async send(text: string, files: Attachment[]): Promise<boolean> {
    const { open } = this.store.get();
    if (!open) return false;
    this.typing.sent();
    return this.try(async () => this.heard(open, await this.parts.rest.send(open, text, files)));
  }

  edit(id: string, text: string): Promise<boolean> {
    return this.try(async () => {
      await this.parts.rest.edit(id, text);
      this.talked({ type: 'message-edited', id, text });
    });
  }

  remove(id: string): Promise<boolean> {
    return this.try(async () => {
      await this.parts.rest.remove(id);
      this.talked({ type: 'message-deleted', id });
    });
  }

  react(id: string, emoji: string, added: boolean): Promise<boolean> {
    return this.try(async () => {
      await this.parts.rest.react(id, emoji, added);
      this.talked({ type: 'message-reaction', id, emoji, userId: this.parts.ownId, added });
    });
  }

  async create(name: string, members: string[]): Promise<ChatRoom> {
    const made = await this.parts.rest.createRoom(name, members);
    await this.refresh();
    return made;
  }

  leave(roomId: string): Promise<boolean> {
    return this.try(async () => {
      await this.parts.rest.removeMember(roomId, this.parts.ownId);
      await this.refresh();
    });
  }

  /** The list anew, and a subscription to all of it; after a lost link also what was missed in the open room. */
  async refresh(): Promise<void> {
    try {
      const rooms = await this.parts.rest.rooms();
      this.store.dispatch({ type: 'rooms', rooms });
      if (rooms.length > 0) this.ask('join-chat-rooms', { roomIds: rooms.map(({ roomId }) => roomId) });
    } catch (error) {
      if (isLostLogin(error)) this.parts.onLostLogin();
      else this.store.dispatch({ type: 'failed', error: readable(error) });
      return;
    }
    const { open } = this.store.get();
    if (open) await this.readUp(open);
  }

  private async readUp(roomId: string): Promise<void> {
    this.ask('get-room-online-users', { roomId });
    if (await this.page(roomId)) this.seen(roomId);
  }

  private page(roomId: string, before?: string): Promise<boolean> {
    return this.try(async () => {
      const lines = await this.parts.rest.lines(roomId, PAGE, before);
      this.store.dispatch({ type: 'page', roomId, lines, more: lines.length === PAGE });
    });
  }

  private heard(roomId: string, line: ChatMessage): void {
    const own = line.sender_id === this.parts.ownId;
    this.store.dispatch({ type: 'heard', roomId, line, own });
    if (!own && this.store.get().open === roomId) this.seen(roomId);
  }

  private talked(change: TalkAction): void {
    const { open } = this.store.get();
    // A line is known by its id, and only the open room's lines are here.
    if (open) this.store.dispatch({ type: 'talked', roomId: open, change });
  }

  /** What is on screen has been seen; only while somebody looks. */
  private seen(roomId: string): void {
    if (!this.parts.watched()) return;
    const { lines } = this.store.get();
    const fresh = lines.filter((line) => line.unseen && line.sender_id !== this.parts.ownId);
    this.store.dispatch({ type: 'read', roomId });
    if (fresh.length === 0) return;
    this.ask('mark-messages-seen', { roomId, messageIds: fresh.slice(-SEEN_MAX).map(({ id }) => id) });
  }

  /** Something the page can do without: a failure is not told. */
  private ask<N extends RequestName>(name: N, payload: Requests[N]['send']): void {
    this.parts.signaling.request(name, payload).catch(() => undefined);
  }

  private async try(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (isLostLogin(error)) this.parts.onLostLogin();
      else this.parts.notify(readable(error), 'error');
      return false;
    }
  }
}
