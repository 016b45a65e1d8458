/**
 * A limit that invocations share: at most so many at a time, or in a minute. A virtual object, for Restate servers without
 * flow control, and for what flow control cannot see: single model calls.
 *
 * - P1 A permit is given by waking its awakeable, so who waits is suspended and costs nothing, and nobody polls.
 * - P2 Nobody keeps a permit that cannot use it: it comes back when the call has ended, when its run is cancelled, when its
 *   invocation ends in whatever way (a `watch` is attached to it), or at the end of the lease.
 * - P3 State is lazy, and each of those who wait is an entry of its own: a call reads and writes a few hundred bytes, however
 *   long the queue.
 * - P4 Killing a run kills what it has asked here, too, maybe between two of its writes. The head is written last, so what a
 *   killed call leaves is not counted, and nobody takes it for another's.
 */
import { DefinitionError } from "../../errors/definition-error.ts";
import { handlers, object } from "../../journal/handlers.ts";
import { invocationEnd } from "../../journal/invocation-end.ts";
import {
  type Duration,
  type ObjectContext,
  type ObjectSharedContext,
  type Serde,
  serde,
  type VirtualObjectDefinition,
} from "../../restate.ts";
import { durationMs } from "../../journal/duration.ts";
import {
  EMPTY_LIMIT,
  type LimitBounds,
  type LimitHead,
  lookAgainMs,
  mayGrant,
  type Waiting,
  withGrant,
  withoutOverdue,
} from "./limit-state.ts";

/** What a limit allows. At least one of `concurrency` and `perMinute`. */
export interface RateLimitOptions {
  /** Most permits that are held at a time. */
  readonly concurrency?: number;
  /** Most permits that are given in any 60 seconds. */
  readonly perMinute?: number;
  /** Of `perMinute`: how many may be given at once; the rest are given evenly. Default a tenth, at least 1. */
  readonly burst?: number;
  /**
   * Longest time that a permit is held; a number is milliseconds. It then goes to the next, also when its holder still
   * lives: one that is paused, or retries for long. Default 15 minutes, the longest that an attempt lasts by default.
   */
  readonly lease?: Duration | number;
}

/** The handlers of a limit. Runs call them; only `status` can be called from outside. */
export interface RateLimitHandlers {
  acquire: (context: ObjectContext, request: Waiting) => Promise<void>;
  release: (context: ObjectContext, id: string) => Promise<void>;
  ended: (context: ObjectContext, invocationId: string) => Promise<void>;
  tick: (context: ObjectContext) => Promise<void>;
  watch: (context: ObjectSharedContext, invocationId: string) => Promise<void>;
  status: (context: ObjectSharedContext) => Promise<RateLimitStatus>;
}

/** How a limit is used now. */
export interface RateLimitStatus {
  /** Permits that are held; always 0 without `concurrency`. */
  readonly held: number;
  readonly waiting: number;
}

/** A limit: what `rateLimit()` makes. */
export type RateLimit<NAME extends string = string> = VirtualObjectDefinition<NAME, RateLimitHandlers>;

const DEFAULT_LEASE_MS = 15 * 60_000;

const { exclusive, shared } = handlers.object;
/** For runs, and the limit itself: nobody outside gives permits, or takes them away. */
const PRIVATE = { ingressPrivate: true };

/**
 * Defines a limit. Put it among the app's services, not among its `publicServices`, and name it in the `limits` of agents, or use it with
 * `withPermit()`. Each key of it is a limit of its own: a tenant's, a provider account's.
 *
 * @example
 * ```ts
 * const openaiLimit = rateLimit("OpenAILimit", { concurrency: 8, perMinute: 300 });
 * const agent = new RestateAgent({ id: "support", model, tools }, { limits: [openaiLimit] });
 * export default createEdgeApp({ services: [agentService("Support", agent), openaiLimit] });
 * ```
 *
 * @throws DefinitionError for bounds that make no sense.
 */
export function rateLimit<const NAME extends string>(name: NAME, options: RateLimitOptions): RateLimit<NAME> {
  const keeper = new LimitKeeper(name, boundsOf(name, options));
  return object({
    name,
    handlers: {
      acquire: exclusive(PRIVATE, (context: ObjectContext, request: Waiting) => keeper.acquire(context, request)),
      release: exclusive(PRIVATE, (context: ObjectContext, id: string) => keeper.release(context, id)),
      ended: exclusive(PRIVATE, (context: ObjectContext, invocationId: string) => keeper.ended(context, invocationId)),
      tick: exclusive(PRIVATE, (context: ObjectContext) => keeper.tick(context)),
      watch: shared(PRIVATE, (context: ObjectSharedContext, invocationId: string) =>
        keeper.watch(context, invocationId),
      ),
      status: shared((context: ObjectSharedContext) => keeper.status(context)),
    },
    options: { enableLazyState: true },
  });
}

function boundsOf(name: string, options: RateLimitOptions): LimitBounds {
  const wrong = (problem: string): DefinitionError =>
    new DefinitionError(`Cannot define the limit "${name}": ${problem}`);
  const { concurrency, perMinute, lease = DEFAULT_LEASE_MS } = options;
  const { burst = Math.max(1, Math.ceil((perMinute ?? 1) / 10)) } = options;
  if (concurrency === undefined && perMinute === undefined) throw wrong("set concurrency, perMinute, or both");
  for (const [option, value] of Object.entries({ concurrency, perMinute, burst })) {
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw wrong(`${option} must be a positive integer: current value is ${value}`);
  }
  if (perMinute !== undefined && burst > perMinute) {
    throw wrong(`burst must not be above perMinute, ${perMinute}: current value is ${burst}`);
  }
  const leaseMs = durationMs(lease);
  if (!(leaseMs > 0)) throw wrong(`lease must be above 0: current value is ${leaseMs} ms`);
  return { concurrency, perMinute, burst, leaseMs };
}

const HEAD = "head";
const waitingKey = (n: number): string => `waiting/${n}`;
/** Where one that waits is: its number. */
const placeKey = (id: string): string => `place/${id}`;
/** What an invocation holds or waits for: ids. */
const runKey = (invocationId: string): string => `run/${invocationId}`;

const json: Serde<unknown> = serde.json as Serde<unknown>;

/** Of those whose turn it is, so many are woken by one call; the next call goes on. */
const MAX_GRANTS = 100;

class LimitKeeper {
  readonly #name: string;
  readonly #bounds: LimitBounds;

  constructor(name: string, bounds: LimitBounds) {
    this.#name = name;
    this.#bounds = bounds;
  }

  async acquire(context: ObjectContext, request: Waiting): Promise<void> {
    const { id, invocationId } = request;
    const [head, ids] = await Promise.all([readHead(context), context.get<readonly string[]>(runKey(invocationId))]);
    if (ids === null) this.#send(context, "watch", invocationId);
    context.set(runKey(invocationId), [...(ids ?? []), id]);
    context.set(waitingKey(head.next), request);
    context.set(placeKey(id), head.next);
    await this.#goOn(context, { ...head, next: head.next + 1, waiting: head.waiting + 1 });
  }

  async release(context: ObjectContext, id: string): Promise<void> {
    await this.#goOn(context, await this.#without(context, await readHead(context), id));
  }

  /** P2: the invocation has ended, and may have said nothing. */
  async ended(context: ObjectContext, invocationId: string): Promise<void> {
    let head = await readHead(context);
    for (const id of (await context.get<readonly string[]>(runKey(invocationId))) ?? []) {
      head = await this.#without(context, head, id);
    }
    context.clear(runKey(invocationId));
    await this.#goOn(context, head);
  }

  async tick(context: ObjectContext): Promise<void> {
    await this.#goOn(context, { ...(await readHead(context)), timerMs: undefined });
  }

  /** P2: waits for the end of an invocation. Nobody asks how it ended. */
  async watch(context: ObjectSharedContext, invocationId: string): Promise<void> {
    await invocationEnd(context, invocationId);
    this.#send(context, "ended", invocationId);
  }

  async status(context: ObjectSharedContext): Promise<RateLimitStatus> {
    const { holders, waiting } = await readHead(context);
    return { held: holders.length, waiting };
  }

  /** Takes a permit, or a place in the queue, away. */
  async #without(context: ObjectContext, head: LimitHead, id: string): Promise<LimitHead> {
    const place = await context.get<number>(placeKey(id));
    if (place === null) {
      const holder = head.holders.find((one) => one.id === id);
      if (holder === undefined) return head;
      await forgetOne(context, holder);
      return { ...head, holders: head.holders.filter((one) => one !== holder) };
    }
    const waiting = await context.get<Waiting>(waitingKey(place));
    context.clear(placeKey(id));
    // P4: a place that was never taken is nobody's, or another one's by now.
    if (waiting?.id !== id) return head;
    await forgetOne(context, waiting);
    context.clear(waitingKey(place));
    return place < head.next ? { ...head, waiting: head.waiting - 1 } : head;
  }

  /** Gives permits to those whose turn it is (Q1), and sees to it that somebody looks again. */
  async #goOn(context: ObjectContext, before: LimitHead): Promise<void> {
    const nowMs = await context.date.now();
    let head = withoutOverdue(before, this.#bounds, nowMs);
    for (let grants = 0; isAnybodyThere(head) && grants < MAX_GRANTS && mayGrant(head, this.#bounds, nowMs);) {
      const waiting = await context.get<Waiting>(waitingKey(head.first));
      if (waiting !== null) {
        context.clear(waitingKey(head.first));
        context.clear(placeKey(waiting.id));
        head = { ...withGrant(head, this.#bounds, waiting, nowMs), waiting: head.waiting - 1 };
        // Without holders nobody gives it back.
        if (this.#bounds.concurrency === undefined) await forgetOne(context, waiting);
        context.resolveAwakeable(waiting.awakeable, nowMs);
        grants += 1;
      }
      head = { ...head, first: head.first + 1 };
    }
    if (head.first >= head.next) head = { ...head, waiting: 0 };
    context.set(HEAD, this.#withTimer(context, head, nowMs));
  }

  #withTimer(context: ObjectContext, head: LimitHead, nowMs: number): LimitHead {
    const againMs = lookAgainMs(head, this.#bounds);
    if (againMs === undefined || (head.timerMs !== undefined && head.timerMs <= againMs)) return head;
    this.#send(context, "tick", undefined, { delay: Math.max(1, Math.ceil(againMs - nowMs)) });
    return { ...head, timerMs: againMs };
  }

  #send(
    context: ObjectSharedContext,
    method: keyof RateLimitHandlers,
    parameter: unknown,
    options: { readonly delay?: number } = {},
  ): void {
    const target = { service: this.#name, key: context.key, method };
    context.genericSend({ ...target, parameter, inputSerde: json, ...options });
  }
}

function isAnybodyThere({ waiting, first, next }: LimitHead): boolean {
  return waiting > 0 && first < next;
}

async function readHead(context: Pick<ObjectSharedContext, "get">): Promise<LimitHead> {
  return (await context.get<LimitHead>(HEAD)) ?? EMPTY_LIMIT;
}

/** The invocation does not hold, or wait for, this one any more. That it is watched stays known. */
async function forgetOne(
  context: ObjectContext,
  { id, invocationId }: { readonly id: string; readonly invocationId: string },
): Promise<void> {
  const ids = (await context.get<readonly string[]>(runKey(invocationId))) ?? [];
  context.set(
    runKey(invocationId),
    ids.filter((one) => one !== id),
  );
}
