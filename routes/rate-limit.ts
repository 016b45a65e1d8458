/** How often a caller may use the agents API. */
import type { Context, MiddlewareHandler } from "hono";
import { env } from "hono/adapter";
import { callerOf, shortHash } from "./caller.ts";
import { HttpProblem } from "./problem.ts";

/** What a limiter says of one request. */
export interface RateLimitOutcome {
  readonly success: boolean;
  /** Seconds after which the caller may try again. Default 10. */
  readonly retryAfterSeconds?: number;
}

/**
 * Counts requests. Cloudflare's rate-limit binding is one. What `limit()` throws fails the request: a limiter that should
 * rather let everything pass while it is broken catches its own errors.
 *
 * @example
 * ```ts
 * const rateLimit: RateLimiter = { limit: async (key) => ({ success: await bucket.take(key), retryAfterSeconds: 5 }) };
 * ```
 */
export interface RateLimiter {
  /**
   * @param key Who asks: what `auth` set as `caller`, else the `sub` of its JWT, else the beginning of the API key's
   * SHA-256 hash, never the key itself. All who come without any of these have one key, `anonymous`.
   */
  limit(key: string): Promise<RateLimitOutcome>;
}

/** https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/ */
interface RateLimitBinding {
  limit(options: { readonly key: string }): Promise<RateLimitOutcome>;
}

/** One of the periods that the binding knows; it does not tell when the current one ends. */
const DEFAULT_RETRY_AFTER_SECONDS = 10;

/**
 * Asks `limiter`, else the Worker's binding `RATE_LIMITER`, else lets everything pass. Stands behind the gate, so that
 * strangers cannot use up a caller's share.
 *
 * The error is `rate-limited` (429) with `retry-after`.
 */
export function rateLimit(limiter: RateLimiter | undefined): MiddlewareHandler {
  return async (context, next) => {
    const used = limiter ?? boundLimiter(context);
    if (used === undefined) return next();
    const { success, retryAfterSeconds = DEFAULT_RETRY_AFTER_SECONDS } = await used.limit(await keyOf(context));
    if (success) return next();
    throw new HttpProblem("rate-limited", 429, "Too many requests: try again later", {
      headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds))) },
    });
  };
}

function boundLimiter(context: Context): RateLimiter | undefined {
  const binding: unknown = env<{ RATE_LIMITER?: unknown }>(context).RATE_LIMITER;
  return isBinding(binding) ? { limit: async (key) => binding.limit({ key }) } : undefined;
}

function isBinding(value: unknown): value is RateLimitBinding {
  return typeof value === "object" && value !== null && "limit" in value && typeof value.limit === "function";
}

async function keyOf(context: Context): Promise<string> {
  const caller = callerOf(context);
  if (caller !== undefined) return caller;
  const authorization = context.req.header("authorization");
  return authorization === undefined ? "anonymous" : shortHash(authorization.replace(/^Bearer +/i, "").trim());
}
