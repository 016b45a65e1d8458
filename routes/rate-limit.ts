/** How often a caller may use the agents API. */
import type { Context, MiddlewareHandler } from "hono";
import { env } from "hono/adapter";
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
   * SHA-256 hash, never the key itself.
   */
  limit(key: string): Promise<RateLimitOutcome>;
}

/** https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/ */
interface RateLimitBinding {
  limit(options: { readonly key: string }): Promise<RateLimitOutcome>;
}

/** One of the periods that the binding knows; it does not tell when the current one ends. */
const DEFAULT_RETRY_AFTER_SECONDS = 10;
/** Hexadecimal digits of a hash that tell callers apart. */
const KEY_LENGTH = 16;

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
    const { success, retryAfterSeconds = DEFAULT_RETRY_AFTER_SECONDS } = await used.limit(await callerOf(context));
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

async function callerOf(context: Context): Promise<string> {
  const caller: unknown = context.get("caller");
  if (typeof caller === "string" && caller !== "") return caller;
  const subject: unknown = (context.get("jwtPayload") as { readonly sub?: unknown } | undefined)?.sub;
  if (typeof subject === "string" && subject !== "") return subject;
  const authorization = context.req.header("authorization");
  return authorization === undefined ? "anonymous" : hashed(authorization.replace(/^Bearer +/i, "").trim());
}

async function hashed(token: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.slice(0, KEY_LENGTH);
}
