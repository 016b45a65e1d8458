/**
 * The keys of one caller, apart from those of others: idempotency keys, and the keys of conversations. What one has begun
 * is not another's to read.
 *
 * - S1 Restate gets `<hash of the caller>:<the caller's own key>`; whatever the own key is, the result begins with that
 *   caller's hash, so no key of one caller is one of another.
 * - S2 Callers are told their own keys alone: the hash is in no answer.
 * - S3 API keys are of one trust, so they share everything, and their keys are as they send them.
 * - S4 Behind an `auth`, whom it does not name cannot pass for one whom it names.
 */
import type { Context, MiddlewareHandler } from "hono";
import { callerHeaders } from "../../src/journal/caller-header.ts";
import { callerHash, callerOf } from "../caller.ts";
import { HttpProblem } from "../problem.ts";

/** S1 */
const OF_A_CALLER = /^[0-9a-f]{32}:/;

/** Keys as the caller knows them, and as Restate does. */
export interface KeySpace {
  /** What all keys of a named caller begin with; undefined for others. */
  readonly prefix: string | undefined;
  /** The hash of a named caller; undefined for others. */
  readonly owner: string | undefined;
  /** What goes along with what the caller invokes, and tells the run whose it is. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The key for Restate.
   *
   * @throws HttpProblem `invalid-request` (400) for a key that would be somebody else's.
   */
  forRestate(ownKey: string): string;
  /** Whether this key of Restate's is the caller's. */
  has(key: string | undefined): boolean;
  /** A key of Restate's as its own caller knows it, whoever that is. */
  shown(key: string): string;
  /** A text in which the caller's keys may be, with the keys as the caller knows them. */
  hide(text: string): string;
}

/** The keys of a caller whom `auth` names; else those that all others share (S3, S4). */
export async function keySpaceOf(context: Context, hasAuth: boolean): Promise<KeySpace> {
  const caller = callerOf(context);
  if (caller === undefined) return hasAuth ? OF_NOBODY : OF_ALL;
  const hash = await callerHash(caller);
  const prefix = `${hash}:`;
  // In a path the colon is encoded.
  const inTexts = new RegExp(`${hash}(?::|%3A)`, "gi");
  return {
    prefix,
    owner: hash,
    headers: callerHeaders(hash),
    forRestate: (ownKey) => prefix + ownKey,
    has: (key) => key?.startsWith(prefix) === true,
    shown: (key) => key.replace(OF_A_CALLER, ""),
    hide: (text) => text.replace(inTexts, ""),
  };
}

/** Whether this key of Restate's is one of that caller's. */
export async function isKeyOf(caller: string, key: string): Promise<boolean> {
  return key.startsWith(`${await callerHash(caller)}:`);
}

const OF_ALL: KeySpace = {
  prefix: undefined,
  owner: undefined,
  headers: {},
  forRestate: (ownKey) => ownKey,
  has: () => true,
  shown: (key) => key,
  hide: (text) => text,
};

const OF_NOBODY: KeySpace = {
  prefix: undefined,
  owner: undefined,
  headers: {},
  forRestate(ownKey) {
    if (!OF_A_CALLER.test(ownKey)) return ownKey;
    throw new HttpProblem(
      "invalid-request",
      400,
      "Choose a key that does not begin with 32 hexadecimal digits and a colon: such keys belong to callers with a name",
    );
  },
  has: (key) => key === undefined || !OF_A_CALLER.test(key),
  shown: (key) => key,
  hide: (text) => text,
};

/** S2: problems may quote what Restate or a handler said, and with it a key. */
export function hideKeysInProblems(hasAuth: boolean): MiddlewareHandler {
  return async (context, next) => {
    await next();
    if (!hasAuth || context.res.headers.get("content-type") !== "application/problem+json") return;
    const keys = await keySpaceOf(context, hasAuth);
    if (keys.prefix === undefined) return;
    const { status, headers } = context.res;
    const text = keys.hide(await context.res.text());
    context.res = new Response(text, { status, headers });
  };
}
