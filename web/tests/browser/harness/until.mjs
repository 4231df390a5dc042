// Waiting for something to become true, with a deadline that names it.

const POLL_MS = 50;

/** Resolves with the first truthy answer of `probe`; rejects naming `what` after `deadlineMs`. */
export async function until(what, deadlineMs, probe) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
