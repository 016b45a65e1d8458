/**
 * Restate errors from another copy of the SDK (a dependency that brought its own, or the Workers build beside the
 * plain one). Their classes are not ours, so `instanceof` fails and Restate would retry a terminal failure for ever.
 */
import { CancelledError, type Duration, RetryableError, TerminalError, TimeoutError } from "../restate.ts";
import { EdgeAgentError } from "./edge-agent-error.ts";
import { isSafely, readMessage, readNumber, readProperty, readString } from "./read-error.ts";
import { restoreError } from "./restore-error.ts";

/** The same error in our classes, or undefined if `error` is no Restate error. Tells by name and code. */
export function adoptForeignError(error: unknown): TerminalError | RetryableError | undefined {
  const name = readString(error, "name");
  const code = readNumber(error, "code");
  if (code === undefined) return undefined;
  // `DOMException` has these names too, with codes below 100.
  if (name === "CancelledError" && code === 409) return new CancelledError();
  if (name === "TimeoutError" && code === 408) return new TimeoutError();
  if (name === "TerminalError" || isSafely(EdgeAgentError, error)) return adoptTerminal(error, code);
  if (name === "RetryableError") {
    const retryAfter = readProperty(error, "retryAfter") as Duration | number | undefined;
    return new RetryableError(readMessage(error), retryAfter === undefined ? {} : { retryAfter });
  }
  return undefined;
}

function adoptTerminal(error: unknown, errorCode: number): TerminalError {
  const metadata = readProperty(error, "metadata");
  const adopted = new TerminalError(readMessage(error), {
    errorCode,
    ...(typeof metadata === "object" && metadata !== null ? { metadata: metadata as Record<string, string> } : {}),
  });
  const restored = restoreError(adopted);
  return restored instanceof TerminalError ? restored : adopted;
}
