import { Awaitable, type Combinator, CombinedAwaitable, ConstAwaitable, type Parking } from "./awaitable.ts";
import { requirePlace } from "./ambient.ts";
import type { SdkRestatePromise, TerminalError } from "../restate.ts";

/** A promise of the journal: the Restate SDK's `RestatePromise`. */
export type RestatePromise<T> = SdkRestatePromise<T>;

type Values<P extends readonly RestatePromise<unknown>[]> = { -readonly [I in keyof P]: Awaited<P[I]> };
type Settled<P extends readonly RestatePromise<unknown>[]> = {
  -readonly [I in keyof P]: PromiseSettledResult<Awaited<P[I]>>;
};

/**
 * The SDK's `RestatePromise` statics, for promises of contexts that this library installed. Plain `Promise.all` works
 * too; for races prefer this one, because it lets go of the loser.
 */
export const RestatePromise = {
  all: <const P extends readonly RestatePromise<unknown>[]>(promises: P): RestatePromise<Values<P>> =>
    combine("all", promises),
  allSettled: <const P extends readonly RestatePromise<unknown>[]>(promises: P): RestatePromise<Settled<P>> =>
    combine("allSettled", promises),
  any: <const P extends readonly RestatePromise<unknown>[]>(promises: P): RestatePromise<Awaited<P[number]>> =>
    combine("any", promises),
  race: <const P extends readonly RestatePromise<unknown>[]>(promises: P): RestatePromise<Awaited<P[number]>> =>
    combine("race", promises),
  resolve: <T>(value: T): RestatePromise<Awaited<T>> => constant(true, value),
  reject: <T = never>(reason: TerminalError): RestatePromise<T> => constant(false, reason),
};

function combine<R>(kind: Combinator, promises: readonly RestatePromise<unknown>[]): RestatePromise<R> {
  const parking: Parking = requirePlace(`RestatePromise.${kind}()`).invocation.scheduler;
  const parts = promises.map((promise: unknown, index) => {
    if (promise instanceof Awaitable) return promise as Awaitable<unknown>;
    throw new TypeError(
      `RestatePromise.${kind}() got something at index ${index} that is not a promise of this handler's context: use the context that the handler was given, or restateContext()`,
    );
  });
  return new CombinedAwaitable(parking, kind, parts) as unknown as RestatePromise<R>;
}

function constant<R>(ok: boolean, value: unknown): RestatePromise<R> {
  const parking: Parking = requirePlace("RestatePromise").invocation.scheduler;
  const outcome = ok ? ({ ok, value } as const) : ({ ok: false, error: value } as const);
  return new ConstAwaitable(parking, outcome) as unknown as RestatePromise<R>;
}
