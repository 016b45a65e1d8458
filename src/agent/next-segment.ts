/**
 * How a segment of a long run waits for the one that it has called, and what that means for undoing: each segment undoes
 * what it has done itself, out of its own journal, when it hears how the next one has failed. So the last one begins, the
 * order is that of the whole run, and no two undo the same, whoever of them dies or is killed.
 *
 * - K1 A cancelled segment waits on: Restate has cancelled the next one, which undoes first.
 * - K2 What the next one has answered all the same is the answer: nothing was undone there.
 */
import { inFiber, requirePlace } from "../journal/ambient.ts";
import { CancelledError, TerminalError } from "../restate.ts";

/** Makes `call`, and waits for its end. */
export async function nextSegment<T>(call: () => PromiseLike<T>): Promise<T> {
  const place = requirePlace("continueAsNew");
  let isCancelled = false;
  const release = place.invocation.scheduler.onCancel(() => {
    isCancelled = true;
  });
  try {
    return await inFiber(place, async () => await call(), { shielded: true });
  } catch (error) {
    throw isCancelled && error instanceof TerminalError ? asCancelled(error) : error;
  } finally {
    release();
  }
}

/** As a cancellation of this invocation, with what the called one tells. */
function asCancelled({ message, metadata }: TerminalError): CancelledError {
  return Object.assign(new CancelledError(), { message, ...(metadata === undefined ? {} : { metadata }) });
}
