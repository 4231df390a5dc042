// One meeting from the first knock to the last goodbye: ties link, media and state together.
//
// Rejoin: when the link comes back, the same `join-meeting` is sent again; the answer carries a new participant id and
// the media is made anew, while the old pictures stay until the new ones flow. A link that could be resumed needs none
// of that: nobody noticed that it was gone.
import { readable } from '../signaling/errors';
import type { MeetingJoined, Requests, ServerEvents, Signaling } from '../signaling/events';
import type { ListedParticipant } from '../signaling/meeting';
import type { TransportStats } from '../signaling/stats';
import { Store } from '../store';
import type { Action } from './actions';
import { spot, TrackBoard } from './board';
import { Channels } from './channels';
import { type Connection, connectionOf } from './connection';
import { Desk } from './desk';
import { Entrance, type Entry } from './entrance';
import { MediaKeeper, type OpenMedia } from './keeper';
import { type ChatBackend, MeetingChat } from './meetingChat';
import { Receiving } from './receiving';
import { reduce } from './reducer';
import { mayBeSeen, mayShareScreen, ROLE_WORDS } from './rights';
import { Sending } from './sending';
import { outside, type Panel, type RoomState, SELF } from './state';
import { wire } from './wire';

export interface ConferenceParts {
  signaling: Signaling;
  openMedia: OpenMedia;
  chat: ChatBackend;
  /** Tells the person something that passes. */
  notify: (text: string, tone: 'info' | 'error') => void;
  /** The login is no good any more. */
  onLostLogin: () => void;
}

/** How long a reaction floats when the server does not say. */
const REACTION_SECONDS = 3;

export class Conference {
  readonly store: Store<RoomState, Action>;
  readonly board = new TrackBoard();
  readonly receiving: Receiving;
  /** Messages of applications between those inside. */
  readonly channels = new Channels();
  readonly chat: MeetingChat;
  readonly desk: Desk;
  private readonly sending = new Sending();
  private readonly parts: ConferenceParts;
  private readonly entry: Entry;
  private readonly ends: (() => void)[] = [];
  private readonly media: MediaKeeper;
  /** Counts reactions, to tell one from another. */
  private reactions = 0;
  private readonly entrance: Entrance;

  constructor(entry: Entry, parts: ConferenceParts) {
    this.entry = entry;
    this.parts = parts;
    this.store = new Store<RoomState, Action>(reduce, outside(entry));
    const { signaling } = parts;
    this.chat = new MeetingChat(signaling, entry.meetingId, this.store, parts.chat, this.complain);
    this.desk = new Desk(signaling, entry.meetingId, this.store, this.complain);
    this.receiving = new Receiving(this.board, () => this.syncSoon());
    this.media = new MediaKeeper({
      store: this.store,
      receiving: this.receiving,
      sending: this.sending,
      channels: this.channels,
      open: parts.openMedia,
      onRefused: this.complain,
    });
    this.entrance = new Entrance({
      signaling,
      entry,
      phase: () => this.store.get().phase,
      onLink: (up) => this.linkChanged(up),
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

  /** The page goes away: a goodbye that needs no answer. */
  hangUp(): void {
    this.parts.signaling.close();
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

  async setHand(raised: boolean): Promise<void> {
    const { meetingId } = this.entry;
    await this.parts.signaling.request('raise-hand', { meetingId, raised }).catch(this.complain);
  }

  async react(reaction: string): Promise<void> {
    const { meetingId } = this.entry;
    await this.parts.signaling.request('send-reaction', { meetingId, reaction }).catch(this.complain);
  }

  openPanel(panel: Panel | null): void {
    this.store.dispatch({ type: 'panel', panel });
  }

  stats() {
    return this.media.session?.stats() ?? Promise.resolve({ outbound: [], inbound: [], transports: [] });
  }

  /** How somebody's connection does now: one's own, or anybody's for those who run the meeting. */
  async connection(personKey: string): Promise<Connection | null> {
    if (personKey === SELF) return this.ownConnection();
    const participantId = this.store.get().people[personKey]?.participantId;
    if (participantId === undefined) return null;
    return connectionOf((await this.figures({ participantId })).transports);
  }

  /** By transport: the figures of everything we receive are many, and a connection may be bad. */
  private async ownConnection(): Promise<Connection> {
    const transports: TransportStats[] = [];
    const ids = (await this.media.session?.transportIds()) ?? [];
    for (const transportId of ids) transports.push(...(await this.figures({ transportId })).transports);
    const ask = async (consumerId: string) => (await this.figures({ consumerId })).consumers[0];
    // A track that ended meanwhile is held back no more.
    await this.receiving.lookAtHeldBack(ask).catch(() => undefined);
    return connectionOf(transports);
  }

  private figures(of: Pick<Requests['get-stats']['send'], 'participantId' | 'transportId' | 'consumerId'>) {
    return this.parts.signaling.request('get-stats', { meetingId: this.entry.meetingId, ...of });
  }

  private listen(): void {
    const { signaling } = this.parts;
    const { store } = this;
    this.ends.push(
      wire(signaling, store.dispatch),
      store.subscribe(() => this.receiving.sync(store.get())),
      this.entrance.watch(),
      this.channels.watch(signaling),
      signaling.on('meeting-joined', (answer) => void this.entered(answer)),
      signaling.on('waiting-room-joined', () => store.dispatch({ type: 'waiting' })),
      signaling.on('media-reset', () => this.reset()),
      signaling.on('consumer-layers-changed', (change) => this.receiving.layersChanged(change)),
      signaling.on('producer-layers', ({ producerId, highestLayer }) =>
        this.media.session?.watched(producerId, highestLayer),
      ),
      signaling.on('meeting-ended', ({ endedBy }) => this.ended(endedBy ?? null)),
      signaling.on('muted-by-host', ({ muted }) => this.mutedByHost(muted)),
      signaling.on('participant-left', ({ participantId, reason }) => {
        if (reason === 'kicked' && participantId === store.get().self.participantId) this.removed();
      }),
      signaling.on('participants-added', ({ participants, changedBy }) => {
        if (changedBy !== this.entry.userId) this.parts.notify(invited(participants), 'info');
      }),
      signaling.on('participant-role-changed', (change) => this.roleChanged(change)),
      signaling.on('breakout-assigned', (place) => this.wentTo(place)),
      signaling.on('breakout-rooms-changed', () => this.keepToRights()),
      signaling.on('breakout-broadcast', ({ userId, userName, message }) => {
        if (userId !== this.entry.userId) this.parts.notify(`${userName} to all rooms: ${message}`, 'info');
      }),
      signaling.on('security-policy-changed', () => this.keepToRights()),
      signaling.on('participant-reaction', (reaction) => this.reacted(reaction)),
      signaling.on('server-draining', () => this.parts.notify('The server is restarting. Hold on.', 'info')),
      signaling.on('error', ({ message, event }) => this.refused(message, event)),
    );
  }

  private async entered(answer: MeetingJoined): Promise<void> {
    // The old pictures have to be held before the state forgets the old producers.
    this.media.hold();
    const { handRaisedAt, participantId } = this.store.get().self;
    const handWasUp = handRaisedAt !== null;
    this.store.dispatch({ type: 'joined', joined: answer });
    this.keepToRights();
    // Whoever comes back after his link broke has not just come in.
    if (participantId === '') this.beSilentOnEntry();
    // A rejoin is a new participant to the server; what one wanted to say is not forgotten by that.
    if (handWasUp) void this.setHand(true);
    const { audio, video, screen } = this.store.get().self;
    this.tell({ audio, video, ...(screen ? { screenSharing: true } : {}) });
    void this.chat.readUp();
    await this.media.renew(answer.webrtcConfig);
  }

  private linkChanged(up: boolean): void {
    this.store.dispatch({ type: 'link', up });
    if (!up) return;
    this.receiving.aimAgain();
    this.channels.aimAgain();
  }

  private reset(): void {
    this.media.hold();
    this.store.dispatch({ type: 'media-reset' });
    void this.media.renew();
  }

  private removed(): void {
    this.finish({ type: 'removed' });
    this.parts.signaling.close();
  }

  private mutedByHost(muted: boolean): void {
    if (!muted) {
      this.parts.notify('You may unmute yourself again.', 'info');
      return;
    }
    void this.setMicrophone(false, this.sending.track('microphone'));
    this.parts.notify('The host muted you.', 'info');
  }

  private roleChanged({ participantId, old_role, new_role }: ServerEvents['participant-role-changed']): void {
    if (participantId !== this.store.get().self.participantId) return;
    if (old_role !== new_role) this.parts.notify(`You are ${ROLE_WORDS[new_role]} now.`, 'info');
    this.keepToRights();
  }

  private wentTo({ participantId, name }: ServerEvents['breakout-assigned']): void {
    if (participantId !== this.store.get().self.participantId) return;
    const words = name === null ? 'You are back in the main room.' : `You are in ${name} now.`;
    this.parts.notify(words, 'info');
    this.keepToRights();
  }

  private beSilentOnEntry(): void {
    const { policy, self } = this.store.get();
    if (!policy.muteOnEntry || !self.audio) return;
    void this.setMicrophone(false, this.sending.track('microphone'));
    this.parts.notify('You came in muted, as everybody does here.', 'info');
  }

  /** What one may not do any more ends at once; the server has ended it already. */
  private keepToRights(): void {
    const state = this.store.get();
    if (state.self.video && !mayBeSeen(state)) {
      void this.setCamera(null);
      this.parts.notify('Only hosts may turn their camera on now.', 'info');
    }
    if (!state.self.screen || mayShareScreen(state)) return;
    this.stopScreenTracks();
    this.store.dispatch({ type: 'own-media', screen: false });
    this.board.put(spot(SELF, 'screen'), null);
    const gone = () => undefined; // The server closed these before it told us.
    void Promise.all([this.sending.set('screen', null), this.sending.set('screen-audio', null)]).catch(gone);
    this.tell({ screenSharing: false });
    this.parts.notify('You may not share your screen any more.', 'info');
  }

  private reacted(event: ServerEvents['participant-reaction']): void {
    const { participantId, userName, reaction, duration = REACTION_SECONDS } = event;
    const id = ++this.reactions;
    this.store.dispatch({ type: 'reaction', id, participantId, userName, reaction });
    setTimeout(() => this.store.dispatch({ type: 'reaction-over', id }), duration * 1_000);
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

  private readonly complain = (error: unknown): void => {
    this.parts.notify(readable(error), 'error');
  };
}

/** "Ada was invited.", "3 people were invited." */
function invited(people: readonly ListedParticipant[]): string {
  const [first] = people;
  if (people.length !== 1 || !first) return `${people.length} people were invited.`;
  return `${first.name || first.email || 'Somebody'} was invited.`;
}
