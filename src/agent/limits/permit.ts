/** Holding a permit of a limit while something is done. */
import { inFiber, type Place, requirePlace } from "../../journal/ambient.ts";
import { type Serde, serde, TerminalError } from "../../restate.ts";
import type { RateLimitHandlers } from "./rate-limit.ts";

/** A limit, and which of its keys. */
export interface LimitUse {
  /** What `rateLimit()` made. */
  readonly limit: { readonly name: string };
  /**
   * Each key is a limit of its own, such as a tenant's. A function is asked before each model call, between steps: what it
   * says must follow from the input and the journal (G2). Default `default`.
   */
  readonly key?: string | (() => string);
}

/** The limits of an agent, all of one form. */
export function limitsOf(limits: readonly (LimitUse | LimitUse["limit"])[] = []): readonly LimitUse[] {
  return limits.map((one) => ("limit" in one ? one : { limit: one }));
}

const json: Serde<unknown> = serde.json as Serde<unknown>;

/**
 * Waits for a permit of `use`, durably, and holds it while `action` runs. What runs under it should be one call of the
 * provider or a step or two: while it waits for something else it keeps others from theirs.
 *
 * @throws OutsideHandlerError outside of a handler, InsideStepError inside a step.
 *
 * @example
 * ```ts
 * const text = await withPermit({ limit: ocrLimit }, () => restateContext().run("read page", () => ocr(page)));
 * ```
 */
export function withPermit<T>(use: LimitUse, action: () => PromiseLike<T>): Promise<T> {
  return withPermitsAt(requirePlace("withPermit()"), [use], action);
}

/** As `withPermit()`, for several limits: they are asked for one after the other, in the order in which they are named. */
export async function withPermitsAt<T>(
  place: Place,
  uses: readonly LimitUse[],
  action: () => PromiseLike<T>,
): Promise<T> {
  const [use, ...rest] = uses;
  if (use === undefined) return action();
  const permit = new Permit(place, use);
  try {
    await permit.granted();
    const result = await withPermitsAt(place, rest, action);
    permit.release();
    return result;
  } catch (error) {
    // What is not terminal fails the attempt, and says nothing about the permit: the next attempt goes on with it.
    if (error instanceof TerminalError) permit.release();
    throw error;
  }
}

class Permit {
  readonly #place: Place;
  readonly #target: { readonly service: string; readonly key: string };
  readonly #id: string;

  constructor(place: Place, { limit, key = "default" }: LimitUse) {
    this.#place = place;
    this.#target = { service: limit.name, key: typeof key === "function" ? key() : key };
    this.#id = place.invocation.context.rand.uuidv4();
  }

  /** Suspended until it is this one's turn. */
  granted(): Promise<number> {
    return inFiber(this.#place, async ({ invocation }) => {
      const { context, sdkContext } = invocation;
      const { id: awakeable, promise } = context.awakeable<number>();
      this.#send("acquire", { id: this.#id, awakeable, invocationId: sdkContext.request().id });
      return promise;
    });
  }

  /** One way, as who is cancelled must not wait. An attempt that is over does nothing more. */
  release(): void {
    if (this.#place.fiber.dead === undefined) this.#send("release", this.#id);
  }

  #send(method: keyof RateLimitHandlers, parameter: unknown): void {
    this.#place.invocation.context.genericSend({ ...this.#target, method, parameter, inputSerde: json });
  }
}
