// One meeting from the first knock to the last goodbye: ties link, media and state together.
//
// Rejoin: when the link comes back, the same `join-meeting` is sent again; the answer carries a new participant id and
// the media is made anew, while the old pictures stay until the new ones flow.
import { readable } from '../signaling/errors';
import type { ChatMessage, MeetingJoined, Signaling } from '../signaling/events';
import { Store } from '../store';
import type { Action } from './actions';
import { spot, TrackBoard } from './board';
import { Entrance, type Entry } from './entrance';
import { MediaKeeper, type OpenMedia } from './keeper';
import { Receiving } from './receiving';
import { reduce } from './reducer';
import { Sending } from './sending';
import { outside, type Panel, type RoomState, SELF } from './state';
import { wire } from './wire';

export interface ConferenceParts {
  signaling: Signaling;
  openMedia: OpenMedia;
  /** Lines written before we came, oldest first. */
  history: () => Promise<ChatMessage[]>;
  /** Tells the person something that passes. */
  notify: (text: string, tone: 'info' | 'error') => void;
  /** The login is no good any more. */
  onLostLogin: () => void;
}

export class Conference {
  readonly store: Store<RoomState, Action>;
  readonly board = new TrackBoard();
  readonly receiving: Receiving;
  private readonly sending = new Sending();
  private readonly parts: ConferenceParts;
  private readonly entry: Entry;
  private readonly ends: (() => void)[] = [];
  private readonly media: MediaKeeper;
  private readonly entrance: Entrance;

  constructor(entry: Entry, parts: ConferenceParts) {
    this.entry = entry;
    this.parts = parts;
    this.store = new Store<RoomState, Action>(reduce, outside(entry));
    this.receiving = new Receiving(this.board, () => this.syncSoon());
    this.media = new MediaKeeper({
      store: this.store,
      receiving: this.receiving,
      sending: this.sending,
      open: parts.openMedia,
      onRefused: this.complain,
    });
    this.entrance = new Entrance({
      signaling: parts.signaling,
      entry,
      phase: () => this.store.get().phase,
      onLinkDown: () => this.store.dispatch({ type: 'link', up: false }),
      onRefused: (message) => this.refuse(message),
      onEnded: () => this.ended(null),
      onLostLogin: parts.onLostLogin,
    });
    this.listen();
  }

  /** Whether somebody is in the meeting or at its door, so that going away is worth a goodbye. */
  get present(): boolean {
    const { phase } = this.store.get();
    return phase === 'inside' || phase === 'waiting' || phase === 'joining';
  }

  join(): void {
    this.store.dispatch({ type: 'join-asked', userId: this.entry.userId, userName: this.entry.userName });
    this.entrance.knock();
  }

  async leave(): Promise<void> {
    const { signaling } = this.parts;
    const { meetingId } = this.entry;
    const goodbye = signaling.request('leave-meeting', { meetingId }).catch(() => undefined);
    this.finish({ type: 'left' });
    // The link is closed after the goodbye was heard, or a moment later: the server notices a closed link as well.
    await Promise.race([goodbye, new Promise((done) => setTimeout(done, 1_000))]);
    signaling.close();
  }

  /** The other end of a meeting: everybody is out. */
  ended(by: string | null): void {
    this.finish({ type: 'ended', by });
    this.parts.signaling.close();
  }

  async setMicrophone(on: boolean, track: MediaStreamTrack | null): Promise<void> {
    this.store.dispatch({ type: 'own-media', audio: on });
    this.tell({ audio: on });
    await this.sending.set('microphone', track, !on).catch(this.complain);
  }

  async setCamera(track: MediaStreamTrack | null): Promise<void> {
    this.store.dispatch({ type: 'own-media', video: track !== null });
    this.board.put(spot(SELF, 'camera'), track);
    this.tell({ video: track !== null });
    await this.sending.set('camera', track).catch(this.complain);
  }

  async setScreen(video: MediaStreamTrack | null, audio: MediaStreamTrack | null): Promise<void> {
    this.store.dispatch({ type: 'own-media', screen: video !== null });
    this.board.put(spot(SELF, 'screen'), video);
    this.tell({ screenSharing: video !== null });
    await Promise.all([this.sending.set('screen', video), this.sending.set('screen-audio', audio)]).catch(
      this.complain,
    );
  }

  /** Ends the captures of a shared screen. */
  stopScreenTracks(): void {
    this.sending.track('screen')?.stop();
    this.sending.track('screen-audio')?.stop();
  }

  setHand(raised: boolean): Promise<void> {
    return this.ask('raise-hand', { meetingId: this.entry.meetingId, raised });
  }

  /** Resolves to false when the line was not taken, so that the writer can keep it. */
  async send(text: string): Promise<boolean> {
    const { meetingId } = this.entry;
    try {
      await this.parts.signaling.request('send-message', { meetingId, message: text, recipientType: 'all' });
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }

  async answer(participantId: string, admit: boolean): Promise<void> {
    const event = admit ? 'admit-participant' : 'deny-participant';
    await this.ask(event, { meetingId: this.entry.meetingId, participantId });
    this.store.dispatch({ type: 'request-answered', participantId });
  }

  openPanel(panel: Panel | null): void {
    this.store.dispatch({ type: 'panel', panel });
  }

  stats() {
    return this.media.session?.stats() ?? Promise.resolve({ outbound: [], inbound: [], transports: [] });
  }

  private listen(): void {
    const { signaling } = this.parts;
    const { store } = this;
    this.ends.push(
      wire(signaling, store.dispatch),
      store.subscribe(() => this.receiving.sync(store.get())),
      this.entrance.watch(),
      signaling.on('meeting-joined', (answer) => void this.entered(answer)),
      signaling.on('waiting-room-joined', () => store.dispatch({ type: 'waiting' })),
      signaling.on('media-reset', () => this.reset()),
      signaling.on('meeting-ended', ({ endedBy }) => this.ended(endedBy ?? null)),
      signaling.on('muted-by-host', ({ muted }) => this.mutedByHost(muted)),
      signaling.on('server-draining', () => this.parts.notify('The server is restarting. Hold on.', 'info')),
      signaling.on('error', ({ message, event }) => this.refused(message, event)),
    );
  }

  private async entered(answer: MeetingJoined): Promise<void> {
    // The old pictures have to be held before the state forgets the old producers.
    this.media.hold();
    const handWasUp = this.store.get().self.handRaisedAt !== null;
    this.store.dispatch({ type: 'joined', joined: answer });
    // A rejoin is a new participant to the server; what one wanted to say is not forgotten by that.
    if (handWasUp) void this.setHand(true);
    const { audio, video, screen } = this.store.get().self;
    this.tell({ audio, video, ...(screen ? { screenSharing: true } : {}) });
    void this.readUp();
    await this.media.renew(answer.webrtcConfig);
  }

  /** Lines of before, and those missed while the link was down. */
  private async readUp(): Promise<void> {
    try {
      this.store.dispatch({ type: 'history', messages: await this.parts.history() });
    } catch {
      // The chat goes on without its past; it is not worth a message to somebody who came to talk.
    }
  }

  private reset(): void {
    this.media.hold();
    this.store.dispatch({ type: 'media-reset' });
    void this.media.renew();
  }

  private mutedByHost(muted: boolean): void {
    if (!muted) return;
    void this.setMicrophone(false, this.sending.track('microphone'));
    this.parts.notify('The host muted you.', 'info');
  }

  private refused(message: string, event: string | undefined): void {
    // Requests report their own refusals; a waiting person's denial comes as an event alone.
    if (this.store.get().phase === 'waiting' && (event === undefined || event === 'join-meeting')) {
      this.refuse(message);
    }
  }

  private refuse(message: string): void {
    this.finish({ type: 'refused', message });
    this.parts.signaling.close();
  }

  private finish(action: Action): void {
    for (const end of this.ends.splice(0)) end();
    this.store.dispatch(action);
    this.stopScreenTracks();
    this.media.stop();
    this.board.clear();
  }

  private syncSoon(): void {
    setTimeout(() => this.receiving.sync(this.store.get()), 1_000);
  }

  /** Our media switches, for everybody's icons. Before the join is answered there is nobody to tell. */
  private tell(media: { audio?: boolean; video?: boolean; screenSharing?: boolean }): void {
    if (this.store.get().phase !== 'inside') return;
    const { meetingId } = this.entry;
    this.parts.signaling.request('media-status-update', { meetingId, ...media }).catch(() => {
      // While the link is down the next join tells it again.
    });
  }

  private async ask(...[name, payload]: AskArguments): Promise<void> {
    await this.parts.signaling.request(name, payload).catch(this.complain);
  }

  private readonly complain = (error: unknown): void => {
    this.parts.notify(readable(error), 'error');
  };
}

type AskArguments =
  | ['raise-hand', { meetingId: string; raised: boolean }]
  | ['admit-participant' | 'deny-participant', { meetingId: string; participantId: string }];
