/** What the handlers of an approval object take and return. */
import type { Approval, ApprovalDecision } from "./approvals.ts";
import type { IndexFilter, Place } from "./approval-index.ts";

/** A question that a run asks. */
export interface OpenRequest extends Pick<
  Approval,
  | "id"
  | "kind"
  | "agent"
  | "session"
  | "owner"
  | "invocationId"
  | "tool"
  | "toolCallId"
  | "input"
  | "inputTruncated"
  | "reason"
> {
  /** How long the run waits, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** What the answer resolves. */
  readonly awakeable: string;
}

/** What a person says. */
export interface AnswerRequest {
  readonly id: string;
  readonly approved: boolean;
  readonly reason?: string | undefined;
  readonly answeredBy?: string | undefined;
  /** The conversation that the question must belong to. Default: any. */
  readonly session?: { readonly service: string; readonly key: string } | undefined;
}

/** What became of an answer. */
export type AnswerResult =
  | { readonly result: "recorded"; readonly approval: Approval }
  /** Somebody was first, or it is over. */
  | { readonly result: "decided"; readonly approval: Approval }
  | { readonly result: "unknown" };

/** The time is over. */
export interface ExpireRequest {
  readonly id: string;
  /** What holds when nobody has answered. */
  readonly approved: boolean;
}

/** A run does not wait any more. */
export type CloseRequest = { readonly id: string } | { readonly invocationId: string };

/** What holds when a question is not there any more. */
export const GONE: ApprovalDecision = { state: "cancelled", approved: false, reason: "The question was withdrawn" };

/** A page of questions, newest first. */
export interface ApprovalPage {
  readonly approvals: readonly Approval[];
  /** Where the next page begins; undefined when there is nothing more. A page may have fewer than its limit, and more. */
  readonly more?: Place | undefined;
}

export type ListRequest = IndexFilter;
