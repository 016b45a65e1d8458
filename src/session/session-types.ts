/**
 * What the handlers of a session take and return. A session is a virtual object; its key names the conversation.
 *
 * - `send` is exclusive, and is the turn: Restate's lock on the key is the queue.
 * - `history`, `status`, `interrupt` and `steer` are shared: they answer while a turn runs.
 * - `reset` and `update` are exclusive: they wait for the turns before them.
 */
import type { FinishReason, LanguageModelUsage, ModelMessage, UIMessage } from "ai";
import type { BudgetExceeded, BudgetSpent } from "../agent/budget/budget.ts";
import type { ObjectContext, ObjectSharedContext } from "../restate.ts";

/** Facts about a turn, in the metadata of its assistant message. Times are ISO 8601. */
export interface TurnMetadata {
  /** The turn that the message is of. */
  readonly turn: string;
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly finishReason?: FinishReason | undefined;
  readonly usage?: LanguageModelUsage | undefined;
  /** Why the turn failed; masked, as in the stream. Absent when it did not. */
  readonly error?: { readonly message: string; readonly code?: string | undefined } | undefined;
  /** True when the turn was ended by `interrupt` or by a cancellation; the message is what was said until then. */
  readonly interrupted?: boolean | undefined;
  /** Of a turn that failed or was cancelled: how much of what its tools did was undone, and how much was not. */
  readonly rollback?: { readonly undone: number; readonly notUndone: number } | undefined;
  /** The bound of a budget, the turn's or the conversation's, that stopped the turn. Absent when none did. */
  readonly budget?: BudgetExceeded | undefined;
}

/** A message of a conversation. Assistant messages have `TurnMetadata`; user messages what their sender gave them. */
export type SessionMessage = UIMessage<unknown>;

/** A user's message: text, or a UI message of role `user` with text and file parts. */
export type UserInput = string | (Pick<UIMessage, "parts"> & Partial<Pick<UIMessage, "id" | "role" | "metadata">>);

/** A message that begins a turn. */
export interface SendMessage<CALL_OPTIONS = unknown> {
  readonly message: UserInput;
  readonly regenerate?: undefined;
  /**
   * Names the turn, so that a reader knows its stream before it begins. Sent again, it gives the same answer and no
   * second turn. Default: the message's id, or a new one.
   */
  readonly turn?: string | undefined;
  /**
   * Id of a user message of the conversation, of any turn: the conversation ends before it, and this message takes its
   * place. What came after it is not part of the conversation any more; what it has used stays in `usage`. When the
   * conversation has no such message the call fails with `invalid-input` (400).
   */
  readonly replaces?: string | undefined;
  /** The agent's call options. */
  readonly options?: CALL_OPTIONS | undefined;
  /** Metadata of the message, where it has none of its own. */
  readonly metadata?: unknown;
}

/**
 * Runs a turn again: its user message stays, what the assistant said is dropped, and what came after it. Messages that were
 * added to it while it ran stay, after its own. It is a turn of its own, with an id of its own.
 */
export interface RegenerateTurn<CALL_OPTIONS = unknown> {
  readonly regenerate: true;
  readonly message?: undefined;
  /** Names the new turn. Default: a new one. */
  readonly turn?: string | undefined;
  /**
   * Id of the assistant message to be replaced, or of the user message that it answered. When the conversation has none
   * the call fails with `invalid-input` (400). Default: the last turn's.
   */
  readonly of?: string | undefined;
  readonly options?: CALL_OPTIONS | undefined;
}

/** What `send` takes. */
export type SessionInput<CALL_OPTIONS = unknown> = string | SendMessage<CALL_OPTIONS> | RegenerateTurn<CALL_OPTIONS>;

/** What `send` answers. */
export interface SessionAnswer<OUTPUT = unknown> {
  readonly turn: string;
  /** The text of the last step. */
  readonly text: string;
  /** The structured output, when the agent has one. */
  readonly output?: OUTPUT | undefined;
  readonly finishReason: FinishReason;
  /** Of all steps of the turn. */
  readonly usage: LanguageModelUsage;
  /** The assistant's message, as in `history`: with all steps, tool calls and results. */
  readonly message: SessionMessage;
  /** True when the turn was ended by `interrupt`; the text is what was said until then. */
  readonly interrupted?: true | undefined;
  /** The bound of a budget that stopped the turn; the text is the last answer that says so. */
  readonly budget?: BudgetExceeded | undefined;
}

/** What `interrupt` takes. */
export interface InterruptInput {
  /** Only this turn. It may still be queued: then it ends as soon as it begins. Default: the one that runs. */
  readonly turn?: string | undefined;
}

/** What `interrupt` answers. */
export interface InterruptAnswer {
  /** The turn that was asked to end; undefined when none ran. */
  readonly turn?: string | undefined;
  /**
   * `ended`: it ended by itself, with what it had said. `cancelled`: it did not in time, as while a tool runs or a
   * person is asked, so its invocation was cancelled. `queued`: it has not begun. `idle`: there was nothing to do.
   */
  readonly result: "ended" | "cancelled" | "queued" | "idle";
}

/** What `steer` takes: a message for the turn that runs. */
export interface SteerInput {
  readonly message: UserInput;
  /** Names the message. Sent again, it is not added twice. Default: the message's id, or a new one. */
  readonly id?: string | undefined;
}

/** What `steer` answers, as soon as it is known. */
export interface SteerAnswer {
  /** The message's id. */
  readonly id: string;
  /** True: the running turn's model gets it with its next step. False: it became a turn of its own. */
  readonly delivered: boolean;
  /** The turn that has it; its own one has the message's id. */
  readonly turn: string;
  /** The invocation of its own turn. */
  readonly invocationId?: string | undefined;
}

/** What `history` takes. */
export interface HistoryInput {
  /** `ui` (default): for people. `model`: what the model is given with the next turn. */
  readonly form?: "ui" | "model" | undefined;
  /** Only of turns before this place: the `before` of another answer. Default: up to now. */
  readonly before?: number | undefined;
  /** Most turns. Default 50, at most 200. */
  readonly limit?: number | undefined;
}

/** What `history` answers: messages, oldest first. */
export interface HistoryAnswer<MESSAGE = SessionMessage | ModelMessage> {
  readonly messages: MESSAGE[];
  /** For `before`, when there are older turns. */
  readonly before?: number | undefined;
}

/** What `status` answers. */
export interface SessionStatus {
  readonly state: "idle" | "running";
  /** Of the turn that runs. */
  readonly turn?: string | undefined;
  readonly invocationId?: string | undefined;
  /** When it began, as ISO 8601. */
  readonly startedAt?: string | undefined;
  /** The message that it answers. `history` has it when the turn has ended. */
  readonly message?: SessionMessage | undefined;
  readonly title?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Of all turns. */
  readonly usage: LanguageModelUsage;
  /** What the turns that have ended have used of the conversation's budget. Absent without one. */
  readonly spent?: BudgetSpent | undefined;
  /** How many turns the conversation has. */
  readonly turns: number;
}

/** What `update` takes; what is absent stays. Null removes. */
export interface UpdateInput {
  readonly title?: string | null | undefined;
  /** Replaces all of it. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The handlers of a session that others call. */
export interface SessionHandlers<CALL_OPTIONS = unknown, OUTPUT = unknown> {
  send: (context: ObjectContext, input: SessionInput<CALL_OPTIONS>) => Promise<SessionAnswer<OUTPUT>>;
  interrupt: (context: ObjectSharedContext, input?: InterruptInput) => Promise<InterruptAnswer>;
  steer: (context: ObjectSharedContext, input: SteerInput) => Promise<SteerAnswer>;
  history: (context: ObjectSharedContext, input?: HistoryInput) => Promise<HistoryAnswer>;
  status: (context: ObjectSharedContext) => Promise<SessionStatus>;
  update: (context: ObjectContext, input: UpdateInput) => Promise<SessionStatus>;
  reset: (context: ObjectContext) => Promise<void>;
}
