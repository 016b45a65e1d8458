/** Failures on order: tests say which call of the API is to fail, and how. */

/**
 * How a call fails.
 *
 * - `{ status }`: refused with Cloudflare's envelope; wrangler tries 5xx again.
 * - `cut`: the connection is closed, and nothing was done.
 * - `lost`: it was done, but the connection is closed in place of the answer.
 * - `hang`: no answer.
 */
export type HowToFail =
  | "cut"
  | "lost"
  | "hang"
  | { readonly status: number; readonly code?: number; readonly message?: string };

/** Which calls fail. */
export interface FailureOrder {
  /** Default: every method. */
  readonly method?: string;
  /** Compared with the path below the API's base URL, such as `/accounts/…/versions`. */
  readonly path: RegExp;
  /** The first of the matching calls that fails, counted from 1. Default 1. */
  readonly nth?: number;
  /** How many fail from there on. Default 1. */
  readonly times?: number;
  readonly how: HowToFail;
}

/** A given order. */
export interface OrderedFailure {
  /** How many calls have failed by it. */
  readonly count: number;
  /** From now on nothing fails by it. */
  cancel(): void;
}

/** The orders that are in force. */
export class Failures {
  readonly #orders = new Map<symbol, { readonly order: FailureOrder; seen: number; count: number }>();

  add(order: FailureOrder): OrderedFailure {
    const key = Symbol();
    const entry = { order, seen: 0, count: 0 };
    this.#orders.set(key, entry);
    return {
      get count() {
        return entry.count;
      },
      cancel: () => this.#orders.delete(key),
    };
  }

  /** How this call has to fail; undefined when it may not. */
  next(method: string, path: string): HowToFail | undefined {
    let how: HowToFail | undefined;
    for (const entry of this.#orders.values()) {
      const { order } = entry;
      if ((order.method !== undefined && order.method !== method) || !order.path.test(path)) continue;
      entry.seen++;
      const { nth = 1, times = 1 } = order;
      if (entry.seen < nth || entry.seen >= nth + times || how !== undefined) continue;
      entry.count++;
      how = order.how;
    }
    return how;
  }
}
