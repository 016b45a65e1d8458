/**
 * What one caller sees of approvals.
 *
 * - V1 Whom nothing names among API keys: all. Behind an `auth`, whom it does not name: those that are of no named caller's
 *   conversation. What a run asks that is in no conversation is nobody's by name, whoever began it.
 * - V2 Whom `auth` names: those of their own conversations, and what `mayReview` says.
 * - V3 What a caller may not see is not there: 404, and in no list.
 */
import type { Context } from "hono";
import type { ListRequest } from "../../src/approvals/approval-handlers.ts";
import type { Approval } from "../../src/approvals/approvals.ts";
import { isKeyOf, keySpaceOf, type KeySpace } from "../agents/key-space.ts";
import { callerOf } from "../caller.ts";
import type { ApprovalOptions, ReviewRule } from "./approval-options.ts";

/** What one caller sees. */
export interface ApprovalView {
  /** What the objects can leave out by themselves. */
  readonly filter: Pick<ListRequest, "keyPrefix">;
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
    shown: (approval: Approval) => withSession(approval, keys),
  };
  if (!hasAuth) return { ...base, sees: undefined };
  const isOwn = ({ session }: Approval): boolean => session !== undefined && keys.has(session.key);
  if (caller === undefined) {
    return { ...base, sees: async (approval) => Promise.resolve(approval.session === undefined || isOwn(approval)) };
  }
  const review = (await mayReview?.(caller, context)) ?? false;
  if (review === true) return { ...base, sees: undefined };
  if (review === false) {
    return {
      ...base,
      filter: { keyPrefix: keys.prefix },
      sees: async (approval) => Promise.resolve(isOwn(approval)),
    };
  }
  return { ...base, sees: async (approval) => isOwn(approval) || isAllowed(review, base.shown(approval), approval) };
}

/** @param shown What the rule is given. */
async function isAllowed(rule: ReviewRule, shown: Approval, { session }: Approval): Promise<boolean> {
  const isOf = async (caller: string): Promise<boolean> => session !== undefined && isKeyOf(caller, session.key);
  // Of what comes from a user's code, only a true is one.
  return (await rule(shown, isOf)) === true;
}

function withSession(approval: Approval, keys: KeySpace): Approval {
  const { session } = approval;
  return session === undefined ? approval : { ...approval, session: { ...session, key: keys.shown(session.key) } };
}
