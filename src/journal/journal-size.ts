/**
 * Guards the size of one invocation's journal: warns when it grows large, and ends the invocation with a clear error
 * before it meets a limit of Restate's or of the isolate, which would pause or kill it at a random moment.
 *
 * - J1 The size is a sum over the entries that were consumed, in journal order: a replay comes to the same sum at the
 *   same place, so it warns and fails there too (G2).
 * - J2 The bound is looked at before a step starts, so no effect is lost to it (G1).
 */
import { DefinitionError } from "../errors/definition-error.ts";
import { JournalTooLargeError } from "../errors/journal-too-large-error.ts";

const MIB = 1024 * 1024;

/** Default of `JournalLimits.warnBytes`: 4 MiB. */
export const DEFAULT_WARN_BYTES: number = 4 * MIB;

/** Default of `JournalLimits.maxBytes`: 16 MiB. */
export const DEFAULT_MAX_BYTES: number = 16 * MIB;

/**
 * No result may bring the journal above this size: 30 MiB, just below what Restate replays at all. A larger `maxBytes`,
 * for a Restate with more memory, raises it.
 */
export const LAST_RESORT_BYTES: number = 30 * MIB;

/**
 * What an entry takes besides its value: the frames of the command and of its result, and a step name of usual length.
 */
export const ENTRY_OVERHEAD_BYTES: number = 64;

/**
 * How large the journal of one invocation may grow.
 *
 * Restate gives an invocation 32 MiB of memory on its way out and then pauses it, and takes no entry above 32 MiB. A
 * Workers isolate has 128 MB for everything that runs in it at the same time, and holds a journal several times: as
 * received, inside the SDK, decoded, and once more in the next model call's prompt. The defaults stay at half of the
 * first limit, and leave room for such copies in the second.
 */
export interface JournalLimits {
  /**
   * Size in bytes above which the invocation warns, once. Default 4 MiB: in request-response mode (Workers) each
   * awaited step uploads that much again. `Infinity` switches the warning off.
   */
  readonly warnBytes?: number;
  /** Size in bytes above which no further step starts: the invocation fails with `JournalTooLargeError`. Default 16 MiB. */
  readonly maxBytes?: number;
}

/** Told once, when the journal has passed `warnBytes`. */
export interface JournalSizeWarning {
  /** The step that is about to start. */
  readonly step: string;
  readonly bytes: number;
  readonly warnBytes: number;
  readonly maxBytes: number;
}

/** What `JournalSize` needs. */
export interface JournalSizeOptions extends JournalLimits {
  /** Told also on replay (J1): log with the context's console, which is silent then. */
  readonly onWarn?: (warning: JournalSizeWarning) => void;
}

/** The size of one invocation's journal, as far as it was consumed. */
export class JournalSize {
  #warnBytes = DEFAULT_WARN_BYTES;
  #maxBytes = DEFAULT_MAX_BYTES;
  readonly #onWarn: ((warning: JournalSizeWarning) => void) | undefined;
  #bytes = 0;
  #warned = false;

  /** @throws DefinitionError when a bound is not a positive number. */
  constructor({ onWarn, ...limits }: JournalSizeOptions = {}) {
    this.#onWarn = onWarn;
    this.limit(limits);
  }

  /**
   * Replaces the bounds that are given.
   *
   * @throws DefinitionError when a bound is not a positive number.
   */
  limit({ warnBytes = this.#warnBytes, maxBytes = this.#maxBytes }: JournalLimits): void {
    this.#warnBytes = positive("warnBytes", warnBytes);
    this.#maxBytes = positive("maxBytes", maxBytes);
  }

  /** Bytes so far, each entry's overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts one entry whose value takes `valueBytes`: the invocation's input, or a consumed result or failure. */
  add(valueBytes: number): void {
    this.#bytes += valueBytes + ENTRY_OVERHEAD_BYTES;
  }

  /**
   * To be called inside `step`, before its result is stored: one result may be as large as all others together. The
   * failure is recorded, so it is the same on replay although other steps may be in flight.
   *
   * @throws JournalTooLargeError when the journal would be too large to be replayed.
   */
  checkResult(step: string, valueBytes: number): void {
    const bytes = this.#bytes + valueBytes + ENTRY_OVERHEAD_BYTES;
    const limit = Math.max(this.#maxBytes, LAST_RESORT_BYTES);
    if (bytes > limit) throw new JournalTooLargeError(step, bytes, limit);
  }

  /**
   * To be called before `step` starts.
   *
   * @throws JournalTooLargeError when the journal is larger than `maxBytes`.
   */
  check(step: string): void {
    const bytes = this.#bytes;
    if (bytes > this.#maxBytes) throw new JournalTooLargeError(step, bytes, this.#maxBytes);
    if (this.#warned || bytes <= this.#warnBytes) return;
    this.#warned = true;
    this.#onWarn?.({ step, bytes, warnBytes: this.#warnBytes, maxBytes: this.#maxBytes });
  }
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw new DefinitionError(
    `Cannot bound the journal: ${name} must be a positive number of bytes: current value is ${value}`,
  );
}
