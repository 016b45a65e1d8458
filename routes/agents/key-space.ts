/** The idempotency keys of one caller, apart from those of others: what one has begun is not another's to read. */
import type { Context } from "hono";
import { callerOf, shortHash } from "../caller.ts";
import { HttpProblem } from "../problem.ts";

/** What Restate gets: `<hash of the caller>:<the caller's own key>`. */
const OF_A_CALLER = /^[0-9a-f]{16}:/;

/** Keys as the caller knows them, and as Restate does. */
export interface KeySpace {
  /**
   * The key for Restate.
   *
   * @throws HttpProblem `invalid-request` (400) for a key that would be somebody else's.
   */
  forRestate(ownKey: string): string;
  /** Whether an invocation with this key of Restate's is the caller's. */
  has(key: string | undefined): boolean;
}

/**
 * The keys of a caller whom `auth` names; else those that all others share. API keys are of one trust, so they share
 * everything. Behind an `auth`, whom it does not name cannot pass for one whom it names.
 */
export async function keySpaceOf(context: Context, hasAuth: boolean): Promise<KeySpace> {
  const caller = callerOf(context);
  if (caller === undefined) return hasAuth ? OF_NOBODY : OF_ALL;
  const prefix = `${await shortHash(caller)}:`;
  return { forRestate: (ownKey) => prefix + ownKey, has: (key) => key?.startsWith(prefix) === true };
}

const OF_ALL: KeySpace = { forRestate: (ownKey) => ownKey, has: () => true };

const OF_NOBODY: KeySpace = {
  forRestate(ownKey) {
    if (!OF_A_CALLER.test(ownKey)) return ownKey;
    throw new HttpProblem(
      "invalid-request",
      400,
      "Choose an idempotency-key that does not begin with 16 hexadecimal digits and a colon",
    );
  },
  has: (key) => key === undefined || !OF_A_CALLER.test(key),
};
