/**
 * What a run tells about itself while it happens, for those who watch it.
 *
 * A run tells everything twice. *Live* from inside the step in which it happens, so that it may be sent at once; such a
 * step may be repeated. And *settled* between steps, when the journal has it, on every replay too; so what was not sent
 * live, or was sent by an attempt that died, can be put right.
 */
import type { FileUIPart, TextUIPart, ToolSet } from "ai";
import type { ModelStep } from "../model/model-step.ts";
import type { StreamEvent } from "../model/stream-event.ts";
import type { ToolOutputEvent } from "../tools/journal-tool.ts";
import type { ReaderAddress } from "./reader-address.ts";

/**
 * A tool call begins, with the input that the tool gets. It differs from what the model said where the AI SDK has
 * repaired or refined it, or the tool's schema has changed it.
 */
export interface ToolInputEvent {
  readonly type: "tool-input";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}

/** A tool call ended with a result. */
export interface ToolResultEvent {
  readonly type: "tool-result";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly output: unknown;
}

/** A tool call failed, and the model is told so. */
export interface ToolErrorEvent {
  readonly type: "tool-error";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly error: unknown;
}

/** A person refused a tool call. */
export interface ToolDeniedEvent {
  readonly type: "tool-denied";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly reason: string | undefined;
}

/** A tool call waits for a person. */
export interface ApprovalRequestEvent {
  readonly type: "approval-request";
  readonly approvalId: string;
  readonly toolCallId: string;
  readonly toolName: string;
  /** Why a person is asked, for that person. */
  readonly reason?: string | undefined;
  /** True when nobody is asked: the setting decides, and the response follows. */
  readonly isAutomatic?: boolean | undefined;
}

/** A person, or the time limit, has decided. */
export interface ApprovalResponseEvent {
  readonly type: "approval-response";
  readonly approvalId: string;
  readonly toolCallId: string;
  readonly approved: boolean;
  readonly reason?: string | undefined;
}

/** A tool call waits for the client to execute it. */
export interface ClientCallEvent {
  readonly type: "client-call";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}

/** A message that was added to the running turn, and goes to the model with its next step. */
export interface SteeringEvent {
  readonly type: "steering";
  readonly id: string;
  /** Text and files, as its sender gave them. */
  readonly parts: readonly (TextUIPart | FileUIPart)[];
}

/** What can be told of tools and people, live and settled alike. */
export type ToolEvent =
  | ToolInputEvent
  | ToolResultEvent
  | ToolErrorEvent
  | ToolDeniedEvent
  | ApprovalRequestEvent
  | ApprovalResponseEvent
  | ClientCallEvent
  | SteeringEvent;

/** A model's answer is complete, or was ended where it was: `content` is about to be stored. */
export interface ModelEndEvent {
  readonly type: "end";
  readonly step: string;
  readonly content: ModelStep["content"];
}

/** A model's answer begins, once more if the step is retried. */
export interface ModelResetEvent {
  readonly type: "reset";
  readonly step: string;
  /** Aborted when the call is over, however it has ended. */
  readonly over?: AbortSignal | undefined;
}

/** Something that happens now, inside a step. */
export type LiveEvent =
  | ModelResetEvent
  | Extract<StreamEvent, { type: "part" }>
  | ModelEndEvent
  | ToolOutputEvent
  | ToolEvent;

/** A model step is in the journal. */
export interface ModelStepEvent {
  readonly type: "model-step";
  /** The step's name. */
  readonly step: string;
  readonly result: ModelStep;
}

/** Something that the journal has. */
export type SettledEvent = ModelStepEvent | ToolEvent;

/** Where a run's events go. */
export interface RunSink {
  /** Told which tools the run has, before anything else. Between steps, on replay too. */
  tools?(tools: ToolSet): void;
  /**
   * Called inside a step, in order. It never rejects: who watches must not cost a step. It may take its time only at
   * the end of a step (`end`, a tool's result or failure, a request for approval), when it waits, for a bounded time,
   * until all of it is with the store.
   *
   * @returns `stop` when the model's answer is to be ended where it is: the step is stored with what it has.
   */
  live(event: LiveEvent): PromiseLike<{ readonly stop: boolean }>;
  /** Aborted when `live()` would answer `stop`: also while a model is silent. */
  readonly stopped?: AbortSignal | undefined;
  /** Where else the run's progress can be told: by what it calls over Restate. The same on each replay. */
  readonly readers?: readonly ReaderAddress[] | undefined;
  /** True when what it was told may change afterwards: it is told all of it each time. */
  readonly isForgetful?: boolean | undefined;
  /** Called between steps, and again on each replay. Without I/O, clock or randomness. */
  settled(event: SettledEvent): void;
}
