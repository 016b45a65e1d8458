/** Puts a timeline together. Nothing here asks the server. */
import { isJsonObject } from "../../journal/json.ts";
import { summarizeModelStep } from "../../model/stored-summary.ts";
import { awakeableId, FIRST_AWAKEABLE } from "../invocations/invocation-id.ts";
import type { Invocation } from "../invocations/invocation.ts";
import type { FailedAttempt } from "./journal-events.ts";
import type { JournalEntry } from "./journal.ts";
import type { EntryResult } from "./notification.ts";
import { readBytes } from "../state/stored-value.ts";
import { type Command, type CommandFacts, commandOf, notificationOf, runFacts } from "./timeline-command.ts";
import type { StepFailure, StepStatus, Timeline, TimelineStep, TimelineTotals } from "./timeline.ts";

/** What a timeline is made of. */
export interface TimelineParts {
  readonly invocation: Invocation;
  readonly entries: readonly JournalEntry[];
  readonly failures: readonly FailedAttempt[];
  /** `suspended_waiting_future_json` */
  readonly awaited: string | undefined;
  /** What entries hold, as far as it was read. */
  readonly results: ReadonlyMap<number, EntryResult>;
  /** Shows what steps gave. */
  readonly payloads: boolean;
}

/** A notification's place in the journal. */
interface Completion {
  readonly entry: JournalEntry;
  readonly failed: boolean;
}

/** The timeline, but for what only the reader knows. */
export function buildTimeline(parts: TimelineParts): Omit<Timeline, "journal"> {
  const { invocation, entries, failures } = parts;
  const completions = new Map<number, Completion>();
  for (const entry of entries) {
    const { completionId, failed = false } = notificationOf(entry) ?? {};
    if (completionId !== undefined) completions.set(completionId, { entry, failed });
  }
  const steps: TimelineStep[] = [];
  let commands = 0;
  for (const entry of entries) {
    const command = commandOf(entry);
    if (command === undefined) steps.push(...signalSteps(parts, entry));
    else steps.push(commandStep(parts, entry, command, commands++, completions));
  }
  if (invocation.status !== "completed") steps.push(...expectedSteps(parts, commands));
  return { invocation, steps, failures, totals: totalsOf(parts, steps) };
}

function commandStep(
  parts: TimelineParts,
  entry: JournalEntry,
  { command, completionId, ...facts }: Command,
  commandIndex: number,
  completions: ReadonlyMap<number, Completion>,
): TimelineStep {
  const found = completionId === undefined ? undefined : completions.get(completionId);
  const isInstant = completionId === undefined;
  const end = isInstant ? entry : found?.entry;
  const isOutput = command === "Output";
  const failed = found?.failed === true || (isOutput && parts.invocation.result === "failure");
  const attempts = attemptsOf(parts, commandIndex, end !== undefined);
  const status: StepStatus = failed ? "failed" : end !== undefined ? "completed" : openStatus(parts, attempts.failing);
  const result = parts.results.get(end?.index ?? -1);
  const ownFailure = resultFailure(result, end);
  return {
    ...facts,
    index: entry.index,
    status,
    startedAt: entry.appendedAt,
    completedAt: end?.appendedAt,
    durationMs: elapsed(entry.appendedAt, end?.appendedAt),
    attempts: attempts.attempts,
    retries: attempts.retries,
    lastFailure: ownFailure ?? attempts.lastFailure,
    model: facts.kind === "model" && result?.value !== undefined ? summarizeModelStep(result.value) : undefined,
    ...outputOf(parts.payloads, result),
  };
}

function outputOf(payloads: boolean, result: EntryResult | undefined): { readonly output?: unknown } {
  if (!payloads || result?.value === undefined || result.value.length === 0) return {};
  const value = readBytes(result.value);
  return { output: "json" in value ? value.json : value };
}

function resultFailure(result: EntryResult | undefined, entry: JournalEntry | undefined): StepFailure | undefined {
  if (result?.failure === undefined) return undefined;
  const { message, code } = result.failure;
  return { message, errorCode: code, at: entry?.appendedAt };
}

interface Attempts {
  readonly attempts: number;
  readonly retries: number;
  /** The invocation's last attempt failed in this step, and its result is still missing. */
  readonly failing: boolean;
  readonly lastFailure?: StepFailure | undefined;
}

/** Restate forgets its own counter when the invocation goes on, and keeps the failures that it noted. */
function attemptsOf({ invocation, failures }: TimelineParts, commandIndex: number, isDone: boolean): Attempts {
  const noted = failures.filter((failure) => failure.commandIndex === commandIndex);
  const last = noted.at(-1);
  const isCurrent = invocation.lastFailure?.step?.commandIndex === commandIndex && !isDone;
  const failed = Math.max(noted.length, isCurrent ? 1 : 0);
  const failing = !isDone && failed > 0 && invocation.status !== "completed";
  const isAtWork = isDone || invocation.status === "running" || failed === 0;
  const attempts = failed + (isAtWork ? 1 : 0);
  const message = isCurrent ? invocation.lastFailure.message.split("\n", 1)[0] : undefined;
  return {
    attempts: isCurrent ? Math.max(attempts, invocation.retryCount ?? 0) : attempts,
    retries: isAtWork || invocation.status === "backing-off" ? failed : Math.max(0, failed - 1),
    failing,
    lastFailure: last === undefined ? (message === undefined ? undefined : { message }) : failureOf(last),
  };
}

function failureOf({ message, errorCode, code, at }: FailedAttempt): StepFailure {
  return { message, errorCode, code, at };
}

function openStatus({ invocation }: TimelineParts, failing: boolean): StepStatus {
  if (invocation.status === "completed") return "abandoned";
  if (invocation.status === "paused") return "paused";
  if (failing) return "retrying";
  return invocation.status === "suspended" || invocation.status === "backing-off" ? "waiting" : "running";
}

/** Signals come from outside; there is no command that begins them. */
function signalSteps({ invocation, payloads, results }: TimelineParts, entry: JournalEntry): TimelineStep[] {
  const { signal, failed = false } = notificationOf(entry) ?? {};
  if (signal === undefined) return [];
  const result = results.get(entry.index);
  return [
    {
      ...signalFacts(invocation.id, signal),
      index: entry.index,
      status: failed ? "failed" : "completed",
      completedAt: entry.appendedAt,
      attempts: 1,
      retries: 0,
      lastFailure: resultFailure(result, entry),
      ...outputOf(payloads, result),
    },
  ];
}

function signalFacts(invocationId: string, signal: string | number): CommandFacts {
  if (typeof signal === "string") return { kind: "signal", name: signal };
  if (signal >= FIRST_AWAKEABLE) return { kind: "awakeable", name: awakeableId(invocationId, signal) ?? `${signal}` };
  return signal === 1 ? { kind: "cancel", name: "cancel" } : { kind: "signal", name: `signal ${signal}` };
}

/** What is not in the journal yet: signals that a suspended invocation waits for, and a step that never got that far. */
function expectedSteps({ invocation, failures, awaited }: TimelineParts, commands: number): TimelineStep[] {
  const waiting = signalsOf(awaited === undefined ? undefined : JSON.parse(awaited)).map((signal): TimelineStep => {
    return { ...signalFacts(invocation.id, signal), status: "waiting", attempts: 1, retries: 0 };
  });
  const beyond = failures.filter(({ commandIndex = -1 }) => commandIndex >= commands);
  const last = beyond.at(-1);
  if (last === undefined) return waiting;
  const status = invocation.status === "paused" ? "paused" : "retrying";
  const attempts = Math.max(beyond.length, invocation.retryCount ?? 0);
  const facts = runFacts(last.name ?? "");
  return [...waiting, { ...facts, status, attempts, retries: attempts - 1, lastFailure: failureOf(last) }];
}

/** The leaves of Restate's tree of futures that are signals; 1 is cancellation, which every invocation waits for. */
function signalsOf(tree: unknown): (string | number)[] {
  if (Array.isArray(tree)) return tree.flatMap(signalsOf);
  if (!isJsonObject(tree)) return [];
  const { SignalName: name, SignalIndex: index } = tree;
  if (typeof name === "string") return [name];
  if (typeof index === "number") return index === 1 ? [] : [index];
  return Object.values(tree).flatMap(signalsOf);
}

function totalsOf({ invocation, entries, failures }: TimelineParts, steps: readonly TimelineStep[]): TimelineTotals {
  const counted = steps.flatMap(({ model }) => (model === undefined ? [] : [model]));
  const ends = [invocation.completedAt ?? invocation.modifiedAt, entries.at(-1)?.appendedAt, failures.at(-1)?.at];
  const last = Math.max(...ends.map((end) => Date.parse(end ?? invocation.createdAt)));
  const until = invocation.completedAt === undefined ? last : Date.parse(invocation.completedAt);
  return {
    modelSteps: steps.filter(({ kind }) => kind === "model").length,
    toolSteps: steps.filter(({ kind }) => kind === "tool").length,
    steps: steps.filter(({ kind }) => kind !== "input" && kind !== "output").length,
    retries: steps.reduce((sum, { retries }) => sum + retries, 0),
    inputTokens: counted.reduce((sum, { tokens }) => sum + (tokens.input ?? 0), 0),
    outputTokens: counted.reduce((sum, { tokens }) => sum + (tokens.output ?? 0), 0),
    modelStepsCounted: counted.length,
    wallMs: Math.max(0, until - Date.parse(invocation.createdAt)),
  };
}

function elapsed(from: string | undefined, to: string | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.max(0, Date.parse(to) - Date.parse(from));
}
