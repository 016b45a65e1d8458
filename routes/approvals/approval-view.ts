/**
 * What one caller sees of approvals, and may do with them.
 *
 * - V1 Whom nothing names among API keys: all. Behind an `auth`, whom it does not name: those that are of no named caller's
 *   conversation or run.
 * - V2 Whom `auth` names: those of their own conversations and of runs that they began, and what `mayReview` says.
 * - V3 What a caller may not see is not there: 404, and in no list.
 * - V4 With `fourEyes` nobody approves what their own run asks, nor does anybody whom `auth` does not name.
 *
 * A run is its caller's as far as it is known (caller-header.ts): what a handler sends by hand is nobody's by name.
 */
import type { Context } from "hono";
import type { ListRequest } from "../../src/approvals/approval-handlers.ts";
import type { Approval } from "../../src/approvals/approvals.ts";
import { isKeyOf, keySpaceOf, type KeySpace } from "../agents/key-space.ts";
import { callerHash, callerOf } from "../caller.ts";
import { HttpProblem } from "../problem.ts";
import type { ApprovalOptions, ReviewRule } from "./approval-options.ts";

/** What one caller sees. */
export interface ApprovalView {
  /** What the objects can leave out by themselves. */
  readonly filter: Pick<ListRequest, "keyPrefix" | "owner">;
  /** Undefined: all, without looking. */
  readonly sees: ((approval: Approval) => Promise<boolean>) | undefined;
  /** The key of the caller's conversation of this name. */
  readonly sessionKey: (name: string) => string;
  /** The approval with the key of its conversation as its owner knows it. */
  readonly shown: (approval: Approval) => Approval;
}

/** What this request's caller sees. */
export async function approvalViewOf(
  context: Context,
  hasAuth: boolean,
  mayReview: ApprovalOptions["mayReview"],
): Promise<ApprovalView> {
  const keys = await keySpaceOf(context, hasAuth);
  const caller = callerOf(context);
  const base = {
    filter: {},
    sessionKey: (name: string) => keys.forRestate(name),
    shown: (approval: Approval) => shownTo(approval, keys),
  };
  if (!hasAuth) return { ...base, sees: undefined };
  const isSeen = async (approval: Approval): Promise<boolean> => Promise.resolve(isOwn(approval, keys));
  if (caller === undefined) return { ...base, sees: isSeen };
  const review = (await mayReview?.(caller, context)) ?? false;
  if (review === true) return { ...base, sees: undefined };
  if (review === false) return { ...base, filter: { keyPrefix: keys.prefix, owner: keys.owner }, sees: isSeen };
  return {
    ...base,
    sees: async (approval) => isOwn(approval, keys) || isAllowed(review, base.shown(approval), approval),
  };
}

/**
 * V4
 *
 * @throws HttpProblem `approval-own` (403)
 */
export async function refuseOwn(context: Context, approval: Approval): Promise<void> {
  const keys = await keySpaceOf(context, true);
  if (approval.kind === "question" || (keys.owner !== undefined && !isOwn(approval, keys))) return;
  throw new HttpProblem(
    "approval-own",
    403,
    "Somebody else has to approve this: who began a run does not approve what it asks, and who has no name approves nothing",
  );
}

/** Of who has no name: what is of nobody with a name. */
function isOwn({ session, owner }: Approval, keys: KeySpace): boolean {
  if (keys.owner !== undefined) return owner === keys.owner || (session !== undefined && keys.has(session.key));
  return owner === undefined && (session === undefined || keys.has(session.key));
}

/** @param shown What the rule is given. */
async function isAllowed(rule: ReviewRule, shown: Approval, { session, owner }: Approval): Promise<boolean> {
  const isOf = async (caller: string): Promise<boolean> =>
    (owner !== undefined && owner === (await callerHash(caller))) ||
    (session !== undefined && isKeyOf(caller, session.key));
  // Of what comes from a user's code, only a true is one.
  return (await rule(shown, isOf)) === true;
}

function shownTo(approval: Approval, keys: KeySpace): Approval {
  const { session } = approval;
  return {
    ...approval,
    owner: undefined,
    ...(session === undefined ? {} : { session: { ...session, key: keys.shown(session.key) } }),
  };
}
