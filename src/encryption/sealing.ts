/** Which encryption the code that runs now belongs to: of the attempt of an invocation, or of a request to the app. */
import { AsyncLocalStorage } from "node:async_hooks";
import { TerminalError } from "../restate.ts";
import type { StoredFailure } from "./failures.ts";

/** What those who talk with Restate need of an app's encryption. */
export interface Sealing {
  /** Ids of the keys; the first one encrypts. */
  readonly keyIds: readonly string[];
  /** Encrypts a value; no bytes stay no bytes. */
  seal(plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Decrypts a value; no bytes are no bytes.
   *
   * @throws JournalKeyUnknownError, JournalTamperedError, JournalPlaintextError
   */
  open(stored: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  /** Decrypts a failure; one that is not encrypted stays as it is. Throws as `open()`. */
  openFailure(failure: StoredFailure): Promise<StoredFailure>;
  /** Decrypts an error that came from the journal. Waits, and ends the attempt, when it cannot. */
  openError(error: Error): Promise<unknown>;
}

const storage = new AsyncLocalStorage<Sealing>();

/** Runs `action`, and what it sets in motion, with an encryption; undefined: as it is. */
export function withSealing<T>(sealing: Sealing | undefined, action: () => T): T {
  return sealing === undefined ? action() : storage.run(sealing, action);
}

/** The encryption of the running attempt or request; undefined when it has none. */
export function currentSealing(): Sealing | undefined {
  return storage.getStore();
}

/**
 * A failure that a handler has caught, readable. Handlers of this library's `service()`, `object()` and `workflow()` never need
 * it; those of the Restate SDK's own get messages as they are stored: `[encrypted <key id>] …`. What is not encrypted stays as
 * it is. With a key that is missing the attempt ends, and is repeated.
 *
 * @example
 * ```ts
 * const answer = await ctx.serviceClient(desk).ask(question).catch(async (error) => `${await decryptedError(error)}`);
 * ```
 */
export async function decryptedError(error: unknown): Promise<unknown> {
  const sealing = currentSealing();
  return sealing === undefined || !(error instanceof TerminalError) ? error : sealing.openError(error);
}
