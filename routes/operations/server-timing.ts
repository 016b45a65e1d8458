/** `server-timing` (https://www.w3.org/TR/server-timing/): how long a request took here, and how much of it Restate did. */
import { AsyncLocalStorage } from "node:async_hooks";

/** Time of one request, in milliseconds. Exchanges with Restate that overlap count once. */
export class RequestClock {
  readonly #start = performance.now();
  #exchanges = 0;
  #begun = 0;
  #restateMs: number | undefined;

  /** An exchange with Restate begins; call the result at its end. */
  exchange(): () => void {
    if (this.#exchanges++ === 0) this.#begun = performance.now();
    return () => {
      if (--this.#exchanges === 0) this.#restateMs = (this.#restateMs ?? 0) + performance.now() - this.#begun;
    };
  }

  get totalMs(): number {
    return performance.now() - this.#start;
  }

  /** Undefined when Restate was not asked. An exchange that goes on, because the answer did not wait for it, counts so far. */
  get restateMs(): number | undefined {
    if (this.#exchanges === 0) return this.#restateMs;
    return (this.#restateMs ?? 0) + performance.now() - this.#begun;
  }

  /** The header's value. */
  header(): string {
    const { restateMs } = this;
    const total = `total;dur=${this.totalMs.toFixed(1)}`;
    return restateMs === undefined ? total : `${total}, restate;dur=${restateMs.toFixed(1)}`;
  }
}

const clocks = new AsyncLocalStorage<RequestClock>();

/** Runs a request's handlers, so that what they ask of Restate counts for `clock`. */
export function withClock<T>(clock: RequestClock, work: () => T): T {
  return clocks.run(clock, work);
}

/** For `RestateAddress.onExchange`: an exchange begins for the request that is being handled. */
export function noteExchange(): () => void {
  return clocks.getStore()?.exchange() ?? (() => undefined);
}
