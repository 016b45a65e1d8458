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

  /** Aborts when the caller gives up, and after `limitMs`. */
  signalFor(limitMs: number): AbortSignal {
    const limit = AbortSignal.timeout(Math.ceil(limitMs));
    return this.#signal === undefined ? limit : AbortSignal.any([this.#signal, limit]);
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
