// What those who run a meeting do in it: the door, the hands, the microphones, the recording, the breakout rooms.
import type { RequestName, Requests, Signaling } from '../signaling/events';
import type { Store } from '../store';
import type { Action } from './actions';
import type { RoomState } from './state';

export class Desk {
  private readonly signaling: Signaling;
  private readonly meetingId: string;
  private readonly store: Store<RoomState, Action>;
  private readonly complain: (error: unknown) => void;

  constructor(
    signaling: Signaling,
    meetingId: string,
    store: Store<RoomState, Action>,
    complain: (error: unknown) => void,
  ) {
    this.signaling = signaling;
    this.meetingId = meetingId;
    this.store = store;
    this.complain = complain;
  }

  async answer(participantId: string, admit: boolean): Promise<void> {
    const { meetingId } = this;
    const name = admit ? 'admit-participant' : 'deny-participant';
    // Somebody who is not at the door any more is answered as well: the entry goes.
    await this.ask(name, { meetingId, participantId });
    this.store.dispatch({ type: 'request-answered', participantId });
  }

  /** One after the other, so that capacity is given in the order of arrival. */
  async admitAll(): Promise<void> {
    for (const { participantId } of this.store.get().requests) await this.answer(participantId, true);
  }

  mute(participantId: string, mute: boolean): Promise<boolean> {
    return this.ask('mute-participant', { meetingId: this.meetingId, participantId, mute });
  }

  lowerHand(participantId: string): Promise<boolean> {
    return this.ask('raise-hand', { meetingId: this.meetingId, raised: false, participantId });
  }

  lowerAllHands(): Promise<boolean> {
    return this.ask('lower-hands', { meetingId: this.meetingId });
  }

  /** Sends somebody to a breakout room, or back to the main room. */
  place(participantId: string, roomId: string | null): Promise<boolean> {
    return this.ask('assign-breakout', { meetingId: this.meetingId, participantId, roomId });
  }

  chooseRoom(roomId: string): Promise<boolean> {
    return this.ask('choose-breakout', { meetingId: this.meetingId, roomId });
  }

  returnFromRoom(): Promise<boolean> {
    return this.ask('return-from-breakout', { meetingId: this.meetingId });
  }

  record(start: boolean): Promise<boolean> {
    return this.ask('toggle-recording', { meetingId: this.meetingId, start });
  }

  private async ask<N extends RequestName>(name: N, payload: Requests[N]['send']): Promise<boolean> {
    try {
      await this.signaling.request(name, payload);
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }
}
