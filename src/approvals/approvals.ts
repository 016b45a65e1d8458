/** What people are asked, and what they answer. */
import type { Duration } from "../restate.ts";

/** How approvals are asked for. */
export interface Approvals {
  /** The object that keeps them: what `approvalObject()` made. It must be among the app's services. */
  readonly object: { readonly name: string };
  /** How long to wait for an answer; a number is milliseconds. Default: for ever. */
  readonly timeout?: Duration | number | undefined;
  /** What holds when nobody has answered in time. Default `deny`. */
  readonly onTimeout?: "approve" | "deny" | undefined;
  /**
   * Tells people of a question, by e-mail or chat; `approvalLink()` makes a link to it. Called once the question is open,
   * inside a journaled step: what it throws is retried, so now and then somebody is told twice. A `TerminalError` ends
   * the tool call.
   */
  readonly notify?: ((approval: Approval) => void | PromiseLike<void>) | undefined;
  /** Where the run belongs, for those who look at a list of approvals. */
  readonly session?: ApprovalSession | undefined;
}

/** The conversation that a question belongs to. */
export interface ApprovalSession {
  readonly service: string;
  readonly key: string;
  readonly turn: string;
}

/** What became of a question. */
export type ApprovalState = "pending" | "approved" | "denied" | "expired" | "cancelled";

/** A question to a person. Times are ISO 8601. */
export interface Approval {
  /** The same on replay. It is no secret: who may answer is decided by a key, a token or a signed link. */
  readonly id: string;
  /** `approval`: may this tool run? `question`: a tool asks for a text. */
  readonly kind: "approval" | "question";
  readonly state: ApprovalState;
  /** What holds, once that is decided: also by the time limit, or the end of the run. */
  readonly approved?: boolean | undefined;
  readonly agent: string;
  readonly session?: ApprovalSession | undefined;
  /**
   * Whose run asks: a hash of the caller whom `auth` names, who began it. Absent when nobody is named; the HTTP face shows it to
   * nobody.
   */
  readonly owner?: string | undefined;
  readonly invocationId: string;
  readonly tool: string;
  readonly toolCallId: string;
  /** What the tool was called with, as JSON. Of a large one the beginning of its JSON text; see `inputTruncated`. */
  readonly input: unknown;
  /** True when `input` is only the beginning of the JSON text: in a list above 2 KiB, elsewhere above 64 KiB. */
  readonly inputTruncated?: boolean | undefined;
  /** Why a person is asked, or the question. */
  readonly reason?: string | undefined;
  readonly requestedAt: string;
  readonly expiresAt?: string | undefined;
  /** When it was decided. */
  readonly answeredAt?: string | undefined;
  /** Who answered, when the route knows. */
  readonly answeredBy?: string | undefined;
  /** Why, as the person said; or the answer to a question. */
  readonly answer?: string | undefined;
}

/** What a run goes on with. */
export interface ApprovalDecision {
  readonly state: Exclude<ApprovalState, "pending">;
  readonly approved: boolean;
  /** Why, as the person said; or the answer to a question. */
  readonly reason?: string | undefined;
}
