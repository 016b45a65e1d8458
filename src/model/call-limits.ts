import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";

/** Bounds of one call, in milliseconds. */
export interface CallTimeout {
  /** Longest time for the whole call. */
  readonly stepMs?: number;
  /** Longest time until a streamed call brings its first output. */
  readonly firstChunkMs?: number;
  /** Longest silence between two outputs of a streamed call. */
  readonly chunkMs?: number;
}

// oxlint-disable-next-line no-restricted-globals -- a type
type Timer = ReturnType<typeof setTimeout>;

/**
 * The bounds of one call, as a signal. Only output counts, as in the AI SDK: a provider that sends pings and no text
 * is stuck. Timers run inside the journaled step alone, where they decide nothing about the journal (G8).
 */
export class CallLimits {
  readonly #controller = new AbortController();
  readonly #timeout: CallTimeout;
  readonly #stepTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;
  /** How long the provider has been waited for without an output, in milliseconds. */
  #silentMs = 0;
  #waitingSince = 0;
  #started = false;

  constructor(timeout: CallTimeout) {
    this.#timeout = timeout;
    this.#stepTimer = this.#arm(timeout.stepMs, timeout.stepMs, "No complete answer");
  }

  /** Aborted, with an error that says which bound it was. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The provider is waited for: its answer to begin, or its next part. */
  waiting(): void {
    const { firstChunkMs, chunkMs } = this.#timeout;
    const [bound, what] = this.#started ? [chunkMs, "No further output"] : [firstChunkMs, "No first output"];
    this.#waitingSince = now();
    if (bound !== undefined) this.#silenceTimer = this.#arm(bound, bound - this.#silentMs, what);
  }

  /** Something has come. The time that its reader takes does not count. */
  received(part?: LanguageModelV4StreamPart): void {
    clearTimeout(this.#silenceTimer);
    this.#silentMs += now() - this.#waitingSince;
    if (part === undefined || !isOutput(part)) return;
    this.#silentMs = 0;
    this.#started = true;
  }

  /** The call is over. */
  end(): void {
    clearTimeout(this.#stepTimer);
    clearTimeout(this.#silenceTimer);
  }

  #arm(bound: number | undefined, ms: number | undefined, what: string): Timer | undefined {
    if (ms === undefined) return undefined;
    // oxlint-disable-next-line no-restricted-globals -- inside a journaled step
    return setTimeout(() => this.#controller.abort(new Error(`${what} within ${bound} ms`)), ms);
  }
}

function now(): number {
  // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
  return Date.now();
}

/** True for parts that are output: what a stream may begin with is none. */
export function isOutput(part: LanguageModelV4StreamPart): boolean {
  switch (part.type) {
    case "text-delta":
    case "reasoning-delta":
    case "tool-input-delta":
      return part.delta !== "";
    case "file":
    case "reasoning-file":
    case "tool-call":
      return true;
    default:
      return false;
  }
}
