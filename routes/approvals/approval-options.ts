/** Whose approvals the app serves, and to whom. */
import type { Context } from "hono";
import type { Approval } from "../../src/approvals/approvals.ts";
import { isApprovalObject } from "../../src/approvals/approval-object.ts";
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";
import { DefinitionError } from "../../src/errors/definition-error.ts";
import { sessionInfo } from "../../src/session/session-info.ts";

/**
 * Whether a reviewer may see and answer this approval.
 *
 * @param approval As the list has it, or whole when it is asked for alone; its conversation's key is the owner's own.
 * @param isOf Whether the conversation is that caller's, by the name that `auth` gives.
 */
export type ReviewRule = (
  approval: Approval,
  isOf: (caller: string) => Promise<boolean>,
) => boolean | PromiseLike<boolean>;

/** Whose approvals are served at `/approvals`, and to whom. */
export interface ApprovalOptions {
  /**
   * Of `services`, sessions and what `approvalObject()` made that are not public, and whose approvals are served all the
   * same. Default: none. Links to approvals work without.
   */
  readonly services?: readonly AnyService[] | undefined;
  /**
   * What a caller whom `auth` names may see and answer beside the approvals of their own conversations: all with true, none
   * with false, or those that a rule says. Asked once a request. It needs `auth`. Default: none.
   *
   * The rest is `approval-not-found`. A rule is asked about each approval on the way, so a page may come with fewer than
   * its limit, or none, and `next`.
   *
   * @example
   * ```ts
   * createEdgeApp({
   *   services, publicServices, auth,
   *   approvals: { mayReview: (caller) => (caller === "ada" ? ({ agent }) => agent === "travel" : false) },
   * });
   * ```
   */
  readonly mayReview?:
    | ((caller: string, context: Context) => boolean | ReviewRule | PromiseLike<boolean | ReviewRule>)
    | undefined;
  /**
   * Four eyes: with true nobody approves what their own run or conversation asks, here or at `/chat`, and whom `auth` does not
   * name approves nothing; the answer is `approval-own` (403). Denying, and answering a question, is always theirs. It
   * needs `auth`, and `mayReview`, or nobody could approve. Who gets a signed link, `notify` decides. Default false.
   */
  readonly fourEyes?: boolean | undefined;
}

/** Names of all approval objects among the services. */
export function approvalObjectsOf(services: readonly AnyService[]): readonly string[] {
  return services.filter(isApprovalObject).map(({ name }) => name);
}

/** Names of the approval objects whose approvals are served: those of what is public, and of what the option says. */
export function servedObjectsOf(
  publicServices: readonly AnyService[],
  { services = [] }: ApprovalOptions = {},
): readonly string[] {
  const names = [...publicServices, ...services].map(objectOf).filter((name) => name !== undefined);
  return [...new Set(names)];
}

/**
 * @throws DefinitionError for a service that is none of the app's, or keeps no approvals, for `mayReview` without `auth`, and
 * for `fourEyes` without `mayReview`.
 */
export function checkApprovalOptions(
  { services = [], mayReview, fourEyes }: ApprovalOptions,
  known: readonly AnyService[],
  hasAuth: boolean,
): void {
  const names = new Set(known.map(({ name }) => name));
  const wrong = services.find((service) => !names.has(service.name) || objectOf(service) === undefined);
  if (wrong !== undefined) {
    throw new DefinitionError(
      `Cannot create the edge app: approvals.services must be sessions and approval objects among services: current value has "${wrong.name}"`,
    );
  }
  if (mayReview !== undefined && !hasAuth) {
    throw new DefinitionError(
      "Cannot create the edge app: approvals.mayReview needs auth, which names the callers: API keys see all that is served",
    );
  }
  if (fourEyes === true && mayReview === undefined) {
    throw new DefinitionError(
      "Cannot create the edge app: approvals.fourEyes needs approvals.mayReview, which says who may approve what others ask",
    );
  }
}

function objectOf(service: AnyService): string | undefined {
  return isApprovalObject(service) ? service.name : sessionInfo(service)?.approvals.name;
}
