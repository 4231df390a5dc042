// Asks for something again and again while it is looked at.

/** As often as the server's own figures change. */
const EVERY_MS = 5_000;

/** Shows each answer, null where there is none, until the function it returns is called. One question at a time. */
export function look<T>(ask: () => Promise<T | null>, show: (answer: T | null) => void): () => void {
  let asking = false;
  let gone = false;
  const once = async () => {
    if (asking) return;
    asking = true;
    // A server that does not answer now is asked again.
    const answer = await ask().catch(() => null);
    asking = false;
    if (!gone) show(answer);
  };
  void once();
  const timer = setInterval(() => void once(), EVERY_MS);
  return () => {
    gone = true;
    clearInterval(timer);
  };
}
