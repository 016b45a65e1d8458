/** What people are asked, and what they answer. */
import type { Duration } from "../restate.ts";

/** How approvals are asked for. */
export interface Approvals {
  /** The object that keeps them: what `approvalObject()` made. It must be among the app's services. */
  readonly object: { readonly name: string };
  /** How long to wait for an answer. Default: for ever. */
  readonly timeout?: Duration | number | undefined;
  /** What holds when nobody has answered in time. Default `deny`. */
  readonly onTimeout?: "approve" | "deny" | undefined;
  /** Where the run belongs, for those who look at a list of approvals. */
  readonly session?: { readonly service: string; readonly key: string; readonly turn: string } | undefined;
}

/** What became of a question. */
export type ApprovalState = "pending" | "approved" | "denied" | "expired" | "cancelled";

/** A question to a person. Times are ISO 8601. */
export interface Approval {
  /** Unguessable, and the same on replay. */
  readonly id: string;
  /** `approval`: may this tool run? `question`: a tool asks for a text. */
  readonly kind: "approval" | "question";
  readonly state: ApprovalState;
  readonly agent: string;
  readonly session?: { readonly service: string; readonly key: string; readonly turn: string } | undefined;
  readonly invocationId: string;
  readonly tool: string;
  readonly toolCallId: string;
  /** What the tool was called with. */
  readonly input: unknown;
  /** Why a person is asked, or the question. */
  readonly reason?: string | undefined;
  readonly requestedAt: string;
  readonly expiresAt?: string | undefined;
  readonly answeredAt?: string | undefined;
  /** Who answered, when the route knows. */
  readonly answeredBy?: string | undefined;
  /** Why, as the person said; or the answer to a question. */
  readonly answer?: string | undefined;
}
