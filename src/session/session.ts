/** What the handlers of one session share: its definition, resolved. */
import type { FinishReason, LanguageModel, LanguageModelUsage } from "ai";
import type { Budget } from "../agent/budget/budget.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { StreamStore } from "../stream/stream-store.ts";
import type { ClientCallsInit } from "./client-tools/client-calls.ts";
import type { CompactionOptions, TitleInput } from "./session-options.ts";

/** An agent as a session uses it: its types are those of `agentSession()`, and are of no use inside. */
export interface SessionAgent {
  readonly name: string;
  generate(parameters: object): PromiseLike<SessionResult>;
}

/** What is used of an agent's result. */
export interface SessionResult {
  readonly text: string;
  readonly output: unknown;
  readonly finishReason: FinishReason;
  readonly totalUsage: LanguageModelUsage;
}

/** A session's definition. */
export interface Session {
  readonly name: string;
  readonly agent: () => SessionAgent;
  readonly streams: StreamStore | undefined;
  readonly streamBatchMs: number | undefined;
  readonly approvals: Omit<Approvals, "session">;
  /** Name of the inbox object; undefined when messages cannot be added to a running turn. */
  readonly inbox: string | undefined;
  /** Where calls wait for the client, and for how long; undefined: nobody could hear of them. */
  readonly clientCalls: Pick<ClientCallsInit, "object" | "timeoutMs"> | undefined;
  readonly compaction: CompactionOptions | undefined;
  readonly title: ((turn: TitleInput) => string | undefined | PromiseLike<string | undefined>) | undefined;
  readonly expiryMs: number | undefined;
  readonly budget: Budget | undefined;
}

/** A setting of the agent, as its author wrote it. */
export function settingOf(agent: object, name: string): unknown {
  return (agent as { readonly settings?: Readonly<Record<string, unknown>> }).settings?.[name];
}

/** The model of the agent's settings. */
export function modelOf(agent: object): LanguageModel {
  return settingOf(agent, "model") as LanguageModel;
}
