// Keeps what we receive in step with who is in the room and what is on screen.
//
// Wanted: one subscription per producer in the state. A picture that is being replaced (rejoin, new media node) stays
// on the board until the new one has its first frames: make before break.
import { layerFor, shownAt, type TileSize } from '../media/layers';
import type { MediaSession, ProducerRef, Subscription } from '../media/session';
import type { LayerLimit, LayersChanged } from '../signaling/events';
import type { ConsumerStats } from '../signaling/stats';
import { type Spot, spot, type TrackBoard } from './board';
import type { RoomState } from './state';

/** A producer that cannot be had after so many tries is left alone; the next session asks again. */
const TRIES_MAX = 5;
/** A replaced picture is given up after so long without a first frame of the new one. */
const FIRST_FRAME_MS_MAX = 4_000;
/** What somebody pinned goes before everything nobody pinned. */
const PINNED = 10;
const NOT_PINNED = 1;

interface Wanted extends ProducerRef {
  at: Spot;
}

interface Entry {
  wanted: Wanted;
  session: MediaSession;
  subscription: Subscription | null;
}

export class Receiving {
  private readonly board: TrackBoard;
  private readonly onTrouble: () => void;
  private session: MediaSession | null = null;
  /** By producer id; at most one per producer of the room. */
  private readonly entries = new Map<string, Entry>();
  private readonly failures = new Map<string, number>();
  private readonly views = new Map<Spot, TileSize>();
  private pinned: Spot | null = null;
  /** Why nothing comes of a track, by consumer: told perhaps before we know the consumer ourselves. */
  private readonly limits = new Map<string, { why: LayerLimit }>();
  /** Places whose track on the board belongs to an earlier session. */
  private readonly stale = new Set<Spot>();
  /** While true, stale tracks stay even if nothing is known yet that would replace them. */
  private holding = false;
  private pixelRatio = 1;

  /** `onTrouble` is asked to call `sync` again a little later. */
  constructor(board: TrackBoard, onTrouble: () => void) {
    this.board = board;
    this.onTrouble = onTrouble;
  }

  /** From now on everything comes through this session; what is on the board stays until replaced. */
  attach(session: MediaSession | null): void {
    this.session = session;
    for (const { wanted, subscription } of this.entries.values()) if (subscription) this.stale.add(wanted.at);
    for (const { wanted } of this.entries.values()) this.board.holdBack(wanted.at, null);
    this.entries.clear();
    this.failures.clear();
    this.limits.clear();
    this.holding = true;
  }

  /** The grace is over: what has not come back by now is gone. */
  release(state: RoomState): void {
    this.holding = false;
    this.sync(state);
  }

  sync(state: RoomState): void {
    const wanted = wantedIn(state);
    for (const [producerId, entry] of this.entries) {
      const now = wanted.get(producerId);
      if (now) entry.wanted = now;
      else this.drop(producerId, entry);
    }
    for (const one of wanted.values()) if (!this.entries.has(one.producerId)) this.add(one);
    this.sweep(state);
  }

  /** A tile tells its size, or null when it is not on screen. */
  view(at: Spot, size: TileSize | null, pixelRatio: number): void {
    this.pixelRatio = pixelRatio;
    if (size) this.views.set(at, size);
    else this.views.delete(at);
    for (const entry of this.entries.values()) if (entry.wanted.at === at) this.aim(entry);
  }

  /** What was asked while the link was away may not have reached the server: what it does not know is asked again. */
  aimAgain(): void {
    for (const entry of this.entries.values()) this.aim(entry);
  }

  /** What is pinned stays sharp when bandwidth is short. */
  pin(at: Spot | null): void {
    this.pinned = at;
    for (const entry of this.entries.values()) this.aim(entry);
  }

  /** Another layer of a track reaches us, or none. */
  layersChanged({ consumerId, spatialLayer, limitedBy }: LayersChanged): void {
    if (spatialLayer === null && limitedBy) this.limits.set(consumerId, { why: limitedBy });
    else this.limits.delete(consumerId);
    for (const entry of this.entries.values()) {
      if (entry.subscription?.consumerId === consumerId) this.showLimit(entry);
    }
  }

  /** Asks of one track on screen that is said to be held back: the word that it comes again may have been lost. */
  async lookAtHeldBack(ask: (consumerId: string) => Promise<ConsumerStats | undefined>): Promise<void> {
    const shown = [...this.entries.values()].filter(({ wanted }) => !this.hidden(wanted));
    const ids = new Set(shown.map(({ subscription }) => subscription?.consumerId));
    const [next] = [...this.limits].filter(([id]) => ids.has(id));
    if (!next) return;
    const [consumerId, limit] = next;
    // The others are before it the next time.
    this.limits.delete(consumerId);
    this.limits.set(consumerId, limit);
    const layer = (await ask(consumerId))?.currentLayer;
    // No layer proves nothing: the next one may wait for its keyframe. And what was told since then is newer.
    if (!layer || this.limits.get(consumerId) !== limit) return;
    this.layersChanged({ consumerId, spatialLayer: layer.spatialLayer, limitedBy: null });
  }

  /** Loudness per person now, for those we hear. */
  levels(visit: (key: string, level: number) => void): void {
    for (const { wanted, subscription } of this.entries.values()) {
      if (wanted.source !== 'microphone') continue;
      visit(wanted.at.slice(0, wanted.at.lastIndexOf(':')), subscription?.level() ?? 0);
    }
  }

  private add(wanted: Wanted): void {
    const session = this.session;
    const failures = this.failures.get(wanted.producerId) ?? 0;
    if (!session || failures >= TRIES_MAX) return;
    const entry: Entry = { wanted, session, subscription: null };
    this.entries.set(wanted.producerId, entry);
    session.subscribe(wanted, this.hidden(wanted)).then(
      (subscription) => this.arrived(entry, subscription),
      () => {
        // Gone again before we asked, or the server is busy: the next sync asks anew where it matters.
        if (this.entries.get(wanted.producerId) !== entry) return;
        this.entries.delete(wanted.producerId);
        this.failures.set(wanted.producerId, failures + 1);
        this.onTrouble();
      },
    );
  }

  private arrived(entry: Entry, subscription: Subscription): void {
    if (this.entries.get(entry.wanted.producerId) !== entry) {
      subscription.close();
      return;
    }
    entry.subscription = subscription;
    this.aim(entry);
    this.showLimit(entry);
    const { at } = entry.wanted;
    if (!this.stale.has(at)) this.board.put(at, subscription.track);
    else whenFlowing(subscription.track, FIRST_FRAME_MS_MAX, () => this.swap(entry));
  }

  private swap(entry: Entry): void {
    if (this.entries.get(entry.wanted.producerId) !== entry || !entry.subscription) return;
    this.stale.delete(entry.wanted.at);
    this.board.put(entry.wanted.at, entry.subscription.track);
  }

  private drop(producerId: string, { wanted, subscription }: Entry): void {
    this.entries.delete(producerId);
    if (subscription) this.limits.delete(subscription.consumerId);
    subscription?.close();
    const replaced = [...this.entries.values()].some((other) => other.wanted.at === wanted.at);
    if (replaced) return;
    this.board.holdBack(wanted.at, null);
    if (!this.stale.has(wanted.at)) this.board.put(wanted.at, null);
  }

  private showLimit({ wanted, subscription }: Entry): void {
    if (subscription) this.board.holdBack(wanted.at, this.limits.get(subscription.consumerId)?.why ?? null);
  }

  /** Old pictures of people who have gone, or who stopped sending, while we were away. */
  private sweep(state: RoomState): void {
    for (const at of this.stale) {
      const person = state.people[at.slice(0, at.lastIndexOf(':'))];
      const coming = [...this.entries.values()].some((entry) => entry.wanted.at === at);
      if (person && (this.holding || coming)) continue;
      this.stale.delete(at);
      this.board.put(at, null);
    }
  }

  private aim({ wanted, subscription }: Entry): void {
    if (!subscription || wanted.kind !== 'video') return;
    const size = this.views.get(wanted.at);
    const ignore = () => undefined; // The consumer went away while we asked; nothing is left to aim.
    if (size) {
      // A screen is read: it is wanted in its largest layer whatever the tile.
      const layer = wanted.source === 'camera' ? layerFor(size, this.pixelRatio) : null;
      subscription.setView({ ...shownAt(size, this.pixelRatio), layer }).catch(ignore);
    }
    subscription.setPriority(wanted.at === this.pinned ? PINNED : NOT_PINNED).catch(ignore);
    subscription.setPaused(this.hidden(wanted)).catch(ignore);
  }

  private hidden(wanted: Wanted): boolean {
    return wanted.kind === 'video' && !this.views.has(wanted.at);
  }
}

function wantedIn(state: RoomState): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const key of state.order) {
    const person = state.people[key];
    if (!person) continue;
    const { participantId, producers } = person;
    for (const producer of producers) {
      wanted.set(producer.producerId, { ...producer, participantId, at: spot(key, producer.source) });
    }
  }
  return wanted;
}

/** A remote track is muted until its first packets arrive. */
function whenFlowing(track: MediaStreamTrack, msMax: number, then: () => void): void {
  if (!track.muted) {
    then();
    return;
  }
  let timer: ReturnType<typeof setTimeout>;
  const done = () => {
    clearTimeout(timer);
    track.removeEventListener('unmute', done);
    then();
  };
  timer = setTimeout(done, msMax);
  track.addEventListener('unmute', done);
}
