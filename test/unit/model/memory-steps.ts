/** A `StepHost` in memory: it records names and bytes, and replays them. No Restate. */
import { classifyFailure } from "../../../src/errors/classify.ts";
import { restoreError } from "../../../src/errors/restore-error.ts";
import { UnserializableValueError } from "../../../src/errors/unserializable-value-error.ts";
import type { StepCodec, StepHost, StepScope } from "../../../src/journal/step-host.ts";
import { TerminalError } from "../../../src/restate.ts";

/** One entry of the journal: bytes, or what Restate keeps of a failure. */
type Entry =
  | { readonly name: string; readonly bytes: Uint8Array }
  | {
      readonly name: string;
      readonly failure: { readonly code: number; readonly message: string; readonly metadata: Record<string, string> };
    };

/** An attempt that ended with a failure which Restate would retry. */
export class AttemptFailed extends Error {
  declare readonly cause: Error;
}

/** Runs steps against a journal that outlives attempts. */
export class MemorySteps implements StepHost {
  readonly journal: Entry[] = [];
  /** Aborted by a test to interrupt the steps in flight. */
  interruption: AbortController = new AbortController();
  #next = 0;

  /** Starts the next attempt: stored steps are replayed. */
  replay(): void {
    this.#next = 0;
    this.interruption = new AbortController();
  }

  get names(): string[] {
    return this.journal.map(({ name }) => name);
  }

  /** The stored form of an entry, as text. */
  stored(index: number): string {
    const entry = this.journal[index];
    if (entry === undefined || !("bytes" in entry)) throw new Error(`Entry ${index} is not a result`);
    return new TextDecoder().decode(entry.bytes);
  }

  async step<T>(name: string, action: (scope: StepScope) => PromiseLike<T>, codec: StepCodec<T>): Promise<T> {
    const index = this.#next;
    this.#next += 1;
    const entry = (this.journal[index] ??= await this.#run(name, action, codec));
    if (entry.name !== name) throw new Error(`Journal mismatch: "${name}" instead of "${entry.name}"`);
    if ("bytes" in entry) return codec.decode(entry.bytes);
    const { code, message, metadata } = entry.failure;
    throw restoreError(new TerminalError(message, { errorCode: code, metadata }));
  }

  async #run<T>(name: string, action: (scope: StepScope) => PromiseLike<T>, codec: StepCodec<T>): Promise<Entry> {
    try {
      return { name, bytes: await codec.encode(await action({ signal: this.interruption.signal })) };
    } catch (error) {
      const failure =
        error instanceof UnserializableValueError ? error.inStep(name) : classifyFailure(error, { what: name });
      if (!(failure instanceof TerminalError)) throw new AttemptFailed(failure.message, { cause: failure });
      return { name, failure: { code: failure.code, message: failure.message, metadata: failure.metadata ?? {} } };
    }
  }
}
