/** A timeline for people. */
import { stripVTControlCharacters } from "node:util";
import type { Timeline, TimelineStep } from "../../src/admin/index.ts";
import { count, span } from "../deployments/words.ts";

/** A failure's message is cut there. */
const MAX_MESSAGE = 160;

/** Head of the table that `stepRow()` gives the rows of. */
export const STEP_HEAD: readonly string[] = ["#", "STEP", "NAME", "STATE", "TOOK", "RETRIES", ""];

/** One step. */
export function stepRow(step: TimelineStep, nowMs: number): string[] {
  return [
    step.index?.toString() ?? "-",
    step.kind,
    nameOf(step),
    step.status,
    durationOf(step, nowMs),
    step.retries === 0 ? "" : String(step.retries),
    remarkOf(step, nowMs),
  ];
}

/** The agent's own words where it is a step of one. */
function nameOf({ name, agent, tool, kind }: TimelineStep): string {
  if (agent === undefined) return kind === "input" || kind === "output" ? "" : oneLine(name);
  return tool === undefined ? agent : `${agent}: ${tool}`;
}

function durationOf({ durationMs, startedAt, status }: TimelineStep, nowMs: number): string {
  if (durationMs !== undefined) return span(durationMs);
  return startedAt === undefined || status === "abandoned" ? "" : `${span(nowMs - Date.parse(startedAt))} so far`;
}

function remarkOf({ lastFailure, model, dueAt, status, invocationId }: TimelineStep, nowMs: number): string {
  const dueMs = dueAt === undefined ? 0 : Date.parse(dueAt) - nowMs;
  return [
    ...(lastFailure === undefined ? [] : [failureText(lastFailure)]),
    ...(model === undefined ? [] : [`${model.tokens.input ?? "?"} → ${model.tokens.output ?? "?"} tokens`]),
    ...(dueMs > 0 && status !== "completed" ? [`due in ${span(dueMs)}`] : []),
    ...(invocationId === undefined ? [] : [invocationId]),
  ].join("; ");
}

/** `500 RT0007: Connection lost` */
export function failureText(failure: {
  readonly message: string;
  readonly errorCode?: number | undefined;
  readonly code?: string | undefined;
}): string {
  const code = [failure.errorCode, failure.code].filter((part) => part !== undefined).join(" ");
  return `${code === "" ? "" : `${code}: `}${oneLine(failure.message)}`;
}

/** What heads the table: what it is, how it stands, where it runs. */
export function headOf({ invocation }: Timeline, nowMs: number): string[] {
  const { id, target, status, result, createdAt, completedAt, deploymentId, failure, lastFailure } = invocation;
  const state = result === undefined ? status : `${status}: ${result}`;
  const took = completedAt === undefined ? undefined : Date.parse(completedAt) - Date.parse(createdAt);
  const age = `created ${span(nowMs - Date.parse(createdAt))} ago${took === undefined ? "" : `, took ${span(took)}`}`;
  return [
    `${oneLine(target)}  ${id}`,
    `${state}, ${age}${deploymentId === undefined ? "" : `, on ${deploymentId}`}`,
    ...(failure === undefined ? [] : [`Failed: ${oneLine(failure)}`]),
    ...(lastFailure === undefined || failure !== undefined ? [] : [`Last failure: ${failureText(lastFailure)}`]),
  ];
}

/** Sums. */
export function totalsText({ totals, journal }: Timeline): string {
  const { steps, modelSteps, toolSteps, retries, inputTokens, outputTokens, wallMs } = totals;
  const agents = modelSteps + toolSteps === 0 ? "" : ` (${modelSteps} of models, ${toolSteps} of tools)`;
  const tokens = inputTokens + outputTokens === 0 ? "" : `, ${inputTokens} → ${outputTokens} tokens`;
  const cut = {
    whole: "",
    cut: "; the journal is longer than what is shown",
    absent: "; there is no journal (any more)",
  };
  const failed = retries === 1 ? "1 retry" : `${retries} retries`;
  return `${count(steps, "step")}${agents}, ${failed}${tokens}, ${span(wallMs)} in all${cut[journal]}`;
}

/** The first line, without control characters: what a handler says must not move the cursor. */
function oneLine(text: string): string {
  const [line = ""] = stripVTControlCharacters(text).split("\n", 1);
  const plain = line.replaceAll(/\p{Cc}/gu, " ");
  return plain.length <= MAX_MESSAGE ? plain : `${plain.slice(0, MAX_MESSAGE)}…`;
}
