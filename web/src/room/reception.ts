// One data channel of somebody else: received while it is wanted, and again after it was refused, lost or cut off.
import type { DataSubscription, MediaSession } from '../media/session';

/** After the first failure; each further one in a row doubles it. */
const RETRY_MS = 1_000;
/** After so many failures in a row only another session, a new link or a new listener tries again. */
const FAILURES_MAX = 5;
/** What was received for so long did not fail in a row. */
const STEADY_MS = 30_000;

interface ReceptionParts {
  dataProducerId: string;
  onMessage: (content: string | ArrayBuffer) => void;
  /** Ends a subscription at the server that nobody here has. */
  giveBack: (dataConsumerId: string) => void;
}

export class Reception {
  private readonly parts: ReceptionParts;
  /** Over which it is wanted. */
  private session: MediaSession | null = null;
  private pending: Promise<DataSubscription> | null = null;
  private subscription: DataSubscription | null = null;
  private since = 0;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private unanswered = 0;
  /** Subscriptions that the server made, until we know that we have them. */
  private readonly made = new Set<string>();
  /** Subscriptions that ended before we knew that we have them. */
  private readonly ended = new Set<string>();

  constructor(parts: ReceptionParts) {
    this.parts = parts;
  }

  /** It is wanted over this session, or not at all. What failed too often gets a new chance. */
  aim(session: MediaSession | null): void {
    if (session !== this.session) this.drop();
    this.session = session;
    this.failures = 0;
    this.ask();
  }

  /** The server has made a subscription. The answer that says so as well may have got lost. */
  wasMade(dataConsumerId: string): void {
    if (dataConsumerId === this.subscription?.dataConsumerId) return;
    this.made.add(dataConsumerId);
    this.tidy();
  }

  /** The server has ended a subscription, perhaps of somebody else. */
  hasEnded(dataConsumerId: string): void {
    if (dataConsumerId === this.subscription?.dataConsumerId) this.over(this.pending);
    else if (this.unanswered > 0) this.ended.add(dataConsumerId);
  }

  private ask(): void {
    const { session } = this;
    if (!session || this.pending) return;
    clearTimeout(this.retry);
    const { dataProducerId, onMessage } = this.parts;
    this.unanswered++;
    const pending: Promise<DataSubscription> = session.receiveData(dataProducerId, onMessage, () =>
      this.over(pending),
    );
    this.pending = pending;
    pending.then(
      (subscription) => this.answered(pending, subscription),
      () => {
        this.unanswered--;
        this.tidy();
        this.over(pending);
      },
    );
  }

  private answered(pending: Promise<DataSubscription>, subscription: DataSubscription): void {
    const { dataConsumerId } = subscription;
    this.unanswered--;
    this.made.delete(dataConsumerId);
    const hasEnded = this.ended.has(dataConsumerId);
    this.tidy();
    if (this.pending !== pending) {
      subscription.close();
      return;
    }
    this.subscription = subscription;
    this.since = Date.now();
    if (hasEnded) this.over(pending);
  }

  /** What was received by that is over: asked for again a little later, if it is still wanted. */
  private over(pending: Promise<DataSubscription> | null): void {
    if (pending === null || this.pending !== pending) return;
    if (this.subscription && Date.now() - this.since >= STEADY_MS) this.failures = 0;
    this.drop();
    if (++this.failures > FAILURES_MAX) return;
    this.retry = setTimeout(() => this.ask(), RETRY_MS * 2 ** (this.failures - 1));
  }

  private drop(): void {
    clearTimeout(this.retry);
    this.subscription?.close();
    this.subscription = null;
    this.pending = null;
  }

  /** No answer is to come any more that would tell whose these are. */
  private tidy(): void {
    if (this.unanswered > 0) return;
    for (const id of this.made) this.parts.giveBack(id);
    this.made.clear();
    this.ended.clear();
  }
}
