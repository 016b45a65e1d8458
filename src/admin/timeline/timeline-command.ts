/** What a command of the journal is, in an agent's words. */
import { isJsonObject, type JsonObject } from "../../journal/json.ts";
import { parseStepName } from "../../journal/step-names.ts";
import type { JournalEntry } from "./journal.ts";

/** Kinds of steps. `step` is a journaled step that no agent made; `other` is a command that is not known here. */
export const STEP_KINDS = [
  "input",
  "model",
  "embed",
  "image",
  "speech",
  "transcribe",
  "rerank",
  "tool",
  "download",
  "continue",
  "mcp",
  "policy",
  "approval",
  "decision",
  "undo",
  "client-call",
  "client-result",
  "step",
  "sleep",
  "call",
  "send",
  "attach",
  "awakeable",
  "signal",
  "cancel",
  "complete-awakeable",
  "send-signal",
  "state",
  "promise",
  "output",
  "other",
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** What a command tells by itself. */
export interface CommandFacts {
  readonly kind: StepKind;
  readonly name: string;
  readonly agent?: string | undefined;
  /** The MCP server that was asked. */
  readonly server?: string | undefined;
  readonly tool?: string | undefined;
  readonly toolCallId?: string | undefined;
  /** Of a call: the invocation that it made; of a signal sent, or an attachment: the other one. */
  readonly invocationId?: string | undefined;
  /** Of a sleep or a delayed send: when it is due, ISO 8601. */
  readonly dueAt?: string | undefined;
}

/** A command, and which notification completes it. */
export interface Command extends CommandFacts {
  /** Restate's own word, such as `Run`. */
  readonly command: string;
  /** Absent: it is complete as soon as it is stored. */
  readonly completionId?: number | undefined;
}

const KINDS: Readonly<Record<string, StepKind>> = {
  Input: "input",
  Output: "output",
  Sleep: "sleep",
  Call: "call",
  OneWayCall: "send",
  AttachInvocation: "attach",
  GetInvocationOutput: "attach",
  CompleteAwakeable: "complete-awakeable",
  SendSignal: "send-signal",
  GetPromise: "promise",
  PeekPromise: "promise",
  CompletePromise: "promise",
};

/** The command of an entry; undefined when it is a notification. */
export function commandOf({ type, name, entry }: JournalEntry): Command | undefined {
  const command = /^Command: (.+)$/.exec(type)?.[1];
  if (command === undefined) return undefined;
  const held = isJsonObject(entry["Command"]) ? entry["Command"][command] : undefined;
  const body = isJsonObject(held) ? held : {};
  const completionId = body["completion_id"] ?? body["result_completion_id"];
  return { ...factsOf(command, name, body), command, completionId: numberOf(completionId) };
}

function factsOf(command: string, name: string | undefined, body: JsonObject): CommandFacts {
  if (command === "Run") return runFacts(name ?? "");
  const kind = KINDS[command] ?? (command.includes("State") ? "state" : "other");
  return {
    kind,
    name: name ?? targetOf(body["invocation_target"]) ?? textOf(body["key"]) ?? signalOf(body) ?? command,
    invocationId: textOf(body["invocation_id"]) ?? textOf(body["target_invocation_id"]) ?? attachedOf(body["target"]),
    dueAt: timeOf(body["wake_up_time"]) ?? timeOf(body["invoke_time"]),
  };
}

/** A step of an agent tells more in its name. */
export function runFacts(name: string): CommandFacts {
  const parsed = parseStepName(name);
  if (parsed === undefined) return { kind: "step", name };
  const { kind, agent, server, tool, toolCallId } = parsed;
  return { kind, name, agent, ...(server === undefined ? {} : { server }), tool, toolCallId };
}

/** What a notification answers: a command by its completion, or nobody: a signal came. */
export interface Notification {
  readonly completionId?: number | undefined;
  readonly signal?: string | number | undefined;
  readonly failed: boolean;
}

/** The notification of an entry; undefined when it is a command. */
export function notificationOf({ entry }: JournalEntry): Notification | undefined {
  const held = entry["Notification"];
  if (!isJsonObject(held)) return undefined;
  const id = isJsonObject(held["id"]) ? held["id"] : {};
  return {
    completionId: numberOf(id["CompletionId"]),
    signal: textOf(id["SignalName"]) ?? numberOf(id["SignalIndex"]),
    failed: held["result"] === "Failure",
  };
}

/** `Service/handler`, `Object/key/handler` */
function targetOf(target: unknown): string | undefined {
  const held = isJsonObject(target) ? Object.values(target)[0] : undefined;
  if (!isJsonObject(held)) return undefined;
  const parts = [held["name"], held["key"], held["handler"]].filter((part) => typeof part === "string");
  return parts.length === 0 ? undefined : parts.join("/");
}

/** Of an awakeable its id, of a signal its name; the signal 1 is cancellation. */
function signalOf({ id, signal_id: signal }: JsonObject): string | undefined {
  if (!isJsonObject(signal)) return textOf(id);
  const index = numberOf(signal["Index"]);
  return textOf(signal["Name"]) ?? (index === undefined || index === 1 ? "cancel" : `signal ${index}`);
}

function attachedOf(target: unknown): string | undefined {
  return isJsonObject(target) ? textOf(target["InvocationId"]) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Milliseconds since 1970; 0 means at once. */
function timeOf(value: unknown): string | undefined {
  const ms = numberOf(value) ?? 0;
  return ms > 0 && ms <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}
