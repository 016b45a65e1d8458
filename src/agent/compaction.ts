/**
 * Shortens a conversation before it is handed to the next segment of a long run. What providers refuse must never
 * come out: a tool result without its call, a call without its result, a conversation that starts nowhere.
 */
import { type ModelMessage, modelMessageSchema } from "ai";
import { z } from "zod";
import { DefinitionError } from "../errors/definition-error.ts";

/** Shortens a conversation; pass it as `compact`, or call it from your own. */
export type Compaction = (messages: readonly ModelMessage[]) => ModelMessage[];

type Part = Exclude<ModelMessage["content"], string>[number];

const DROPPED = "(dropped: it was needed by an earlier step only)";

/**
 * Keeps system messages at the start, the first user message, and the last `count` messages; more of the last ones
 * where a tool result would otherwise lose its call.
 *
 * @throws DefinitionError when `count` is not a positive integer.
 *
 * @example
 * ```ts
 * agentService("Researcher", agent, { continueAsNew: { compact: keepLastMessages(40) } });
 * ```
 */
export function keepLastMessages(count: number): Compaction {
  positiveInteger("keepLastMessages", count);
  return (messages) => {
    const needs = neededBy(messages);
    let start = Math.max(0, messages.length - count);
    for (let index = messages.length - 1; index >= start; index--) start = Math.min(start, needs[index] ?? index);
    const user = messages.findIndex(({ role }) => role === "user");
    return messages.filter(
      ({ role }, index) => index >= start || index === user || (index < user && role === "system"),
    );
  };
}

/**
 * Replaces the outputs of all but the last `keep` tool results by a short note. Calls and results stay in place, so
 * the model still sees what it did.
 *
 * @throws DefinitionError when `keep` is not a positive integer.
 *
 * @example
 * ```ts
 * const compact = dropOldToolResults({ keep: 10 });
 * agentService("Researcher", agent, { continueAsNew: { compact } });
 * ```
 */
export function dropOldToolResults({ keep }: { readonly keep: number }): Compaction {
  positiveInteger("dropOldToolResults", keep);
  return (messages) => {
    const results = messages.flatMap((message) => (message.role === "tool" ? message.content.filter(isResult) : []));
    const old = new Set<Part>(results.slice(0, Math.max(0, results.length - keep)));
    return messages.map((message) => {
      if (message.role !== "tool") return message;
      const content = message.content.map((part) =>
        part.type === "tool-result" && old.has(part)
          ? { ...part, output: { type: "text" as const, value: DROPPED } }
          : part,
      );
      return { ...message, content };
    });
  };
}

const messagesSchema = z.array(modelMessageSchema).min(1);

/** What is wrong with a conversation that `compact` has made; undefined when a model can go on with it. */
export function conversationProblem(messages: unknown): string | undefined {
  const parsed = messagesSchema.safeParse(messages);
  if (!parsed.success) return `it is not a list of messages: ${z.prettifyError(parsed.error).slice(0, 500)}`;
  const open = new Map<string, string>();
  const known = new Set<string>();
  for (const part of parsed.data.flatMap(partsOf)) {
    if (part.type === "tool-call") {
      known.add(part.toolCallId);
      if (part.providerExecuted !== true) open.set(part.toolCallId, part.toolName);
    }
    if (part.type !== "tool-result") continue;
    if (!known.has(part.toolCallId)) return `the result of tool call "${part.toolCallId}" has lost its call`;
    open.delete(part.toolCallId);
  }
  const [lost] = open.keys();
  return lost === undefined ? undefined : `tool call "${lost}" of ${open.get(lost)} has lost its result`;
}

/** For each message, the index of the earliest one that it cannot be without. */
function neededBy(messages: readonly ModelMessage[]): number[] {
  const definedAt = new Map<string, number>();
  return messages.map((message, index) => {
    let needed = index;
    for (const part of partsOf(message)) {
      const id = defined(part);
      if (id !== undefined) definedAt.set(id, index);
      needed = Math.min(needed, definedAt.get(referred(part) ?? "") ?? index);
    }
    return needed;
  });
}

function partsOf(message: ModelMessage | undefined): readonly Part[] {
  return message === undefined || typeof message.content === "string" ? [] : message.content;
}

function isResult(part: Part): boolean {
  return part.type === "tool-result";
}

/** What later parts may refer to: a tool call, a request for approval. */
function defined(part: Part): string | undefined {
  if (part.type === "tool-call") return `call ${part.toolCallId}`;
  return part.type === "tool-approval-request" ? `approval ${part.approvalId}` : undefined;
}

/** What a part cannot be without. */
function referred(part: Part): string | undefined {
  if (part.type === "tool-result" || part.type === "tool-approval-request") return `call ${part.toolCallId}`;
  return part.type === "tool-approval-response" ? `approval ${part.approvalId}` : undefined;
}

function positiveInteger(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new DefinitionError(`Cannot define ${what}: it takes a positive integer: current value is ${value}`);
}
