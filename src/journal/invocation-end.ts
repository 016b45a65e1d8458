import { CancelledError, type InvocationId, type ObjectSharedContext, serde, TerminalError } from "../restate.ts";

/**
 * Waits until an invocation has ended, in whatever way, or is not known any more. Nobody asks how.
 *
 * @throws CancelledError when the handler that waits is cancelled: the other invocation may still run.
 */
export async function invocationEnd(context: ObjectSharedContext, invocationId: string): Promise<void> {
  try {
    await context.attach(invocationId as InvocationId, serde.binary);
  } catch (error) {
    // A CancelledError is this handler's own: that the other invocation was cancelled is told as a plain TerminalError.
    if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
  }
}
