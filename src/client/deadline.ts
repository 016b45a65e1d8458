/** The time of one request. */
export interface Limit {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** How long a call may take, and who may give it up earlier. */
export class Deadline {
  readonly #signal: AbortSignal | undefined;
  readonly #endMs: number;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#endMs = performance.now() + timeoutMs;
  }

  /** Milliseconds that are left; 0 when it is over. */
  get leftMs(): number {
    return Math.max(0, this.#endMs - performance.now());
  }

  /** Throws the reason when the caller gave up. */
  check(): void {
    this.#signal?.throwIfAborted();
  }

  /** Aborts when the caller gives up, and after `limitMs`; to be released when it is not needed any more. */
  limit(limitMs: number): Limit {
    const limit = new AbortController();
    // Not AbortSignal.timeout(): its timer outlives the request, and thousands of them slow Workers down.
    const timer = setTimeout(() => limit.abort(), Math.ceil(limitMs));
    const signal = this.#signal === undefined ? limit.signal : AbortSignal.any([this.#signal, limit.signal]);
    return { signal, release: () => clearTimeout(timer) };
  }

  /** Settles after `ms`. Throws the reason when the caller gives up. */
  async pause(ms: number): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#signal?.addEventListener("abort", end);
    });
    this.check();
  }
}
