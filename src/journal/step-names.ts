/** Names of an agent's steps: made here when a run journals them, and read here when somebody looks at a journal. */

/**
 * Steps around a tool call that may need a person: whether it does (`policy`), telling that one is asked (`approval`), and
 * telling what was decided (`decision`). And around one that the client executes: telling that it waits (`client-call`), and
 * what came of it (`client-result`).
 */
export type ApprovalStep = "policy" | "approval" | "decision" | "client-call" | "client-result";

/** Calls of models that are no language models. */
export const MODEL_CALLS = ["embed", "image", "speech", "transcribe", "rerank"] as const;
export type ModelCallStep = (typeof MODEL_CALLS)[number];

/** What is asked of an MCP server: of `call`, `resource` and `prompt`, which one stands behind it. */
export type McpOperation = "call" | "resources" | "resource" | "prompts" | "prompt" | "instructions";

/** What a step's name tells. */
export interface StepName {
  readonly kind: "model" | "tool" | "download" | "continue" | "undo" | "mcp" | ApprovalStep | ModelCallStep;
  /** The agent, or the prefix of a durable model. Absent: a handler has asked an MCP server. */
  readonly agent?: string | undefined;
  /** The MCP server that was asked. */
  readonly server?: string | undefined;
  /** Of a model's call and a download: which of them it is in its run or invocation, from 1. */
  readonly n?: number | undefined;
  readonly tool?: string | undefined;
  readonly toolCallId?: string | undefined;
  /** Of a compensation that a handler or a context tool has registered: what it was called there. */
  readonly label?: string | undefined;
  /** Of a tool call whose id the provider used before: 2 and more. */
  readonly repetition?: number | undefined;
}

/** `<agent> model <n>` */
export function modelStepName(agent: string, n: number): string {
  return `${agent} model ${n}`;
}

/** `<model> embed <n>`, `<model> image <n>`, and so on. */
export function modelCallStepName(kind: ModelCallStep, model: string, n: number): string {
  return `${model} ${kind} ${n}`;
}

/** `<agent> tool <toolName> <toolCallId>`; a call id that a provider uses twice gets ` #2`. */
export function toolStepName(agent: string, tool: string, toolCallId: string, repetition = 1): string {
  const name = `${agent} tool ${tool} ${toolCallId}`;
  return repetition === 1 ? name : `${name} #${repetition}`;
}

/** `<agent> approval <toolName> <toolCallId>`, and so on; a call id that a provider uses twice gets ` #2`. */
export function approvalStepName(
  kind: ApprovalStep,
  agent: string,
  tool: string,
  toolCallId: string,
  repetition = 1,
): string {
  const name = `${agent} ${kind} ${tool} ${toolCallId}`;
  return repetition === 1 ? name : `${name} #${repetition}`;
}

/** `<agent> undo <toolName> <toolCallId>`: the compensation of a tool call. */
export function undoStepName(agent: string, tool: string, toolCallId: string, repetition = 1): string {
  const name = `${agent} undo ${tool} ${toolCallId}`;
  return repetition === 1 ? name : `${name} #${repetition}`;
}

/** `<agent> rollback <label>`: a compensation that `onRollback()` has registered. */
export function rollbackStepName(agent: string, label: string, repetition = 1): string {
  const name = `${agent} rollback ${label}`;
  return repetition === 1 ? name : `${name} #${repetition}`;
}

/** `<agent> download <n>` */
export function downloadStepName(agent: string, n: number): string {
  return `${agent} download ${n}`;
}

/** `<agent> continue`: the end of a segment of a long run. */
export function continueStepName(agent: string): string {
  return `${agent} continue`;
}

/** `<agent> mcp <server> list`: a run asks which tools the server has. */
export function mcpListStepName(agent: string, server: string): string {
  return `${agent} mcp ${server} list`;
}

/** `mcp <server> <operation> <target>`: a handler asks a server; what is asked again gets ` #2`. */
export function mcpStepName(server: string, operation: McpOperation, target?: string, repetition = 1): string {
  const name = `mcp ${server} ${operation}${target === undefined ? "" : ` ${target.replaceAll(/\s/g, encodeURI)}`}`;
  return repetition === 1 ? name : `${name} #${repetition}`;
}

const COUNTED = /^(?<agent>.+) (?<kind>model|download) (?<n>[1-9]\d{0,9})$/s;
const MODEL_CALL = /^(?<agent>.+) (?<kind>embed|image|speech|transcribe|rerank) (?<n>[1-9]\d{0,9})$/s;
const TOOL =
  /^(?<agent>.+?) (?<kind>tool|policy|approval|decision|undo|client-call|client-result) (?<tool>\S+) (?<toolCallId>\S+)(?: #(?<repetition>[1-9]\d{0,9}))?$/s;
const KINDS_OF_TOOL = ["tool", "policy", "approval", "decision", "undo", "client-call", "client-result"] as const;
const ROLLBACK = /^(?<agent>.+?) rollback (?<label>.+?)(?: #(?<repetition>[1-9]\d{0,9}))?$/s;
const MCP_LIST = /^(?<agent>.+) mcp (?<server>[\w.-]+) list$/s;
const MCP =
  /^mcp (?<server>[\w.-]+) (?:(?:call|resource|prompt) \S+|resources|prompts|instructions)(?: #(?<repetition>[1-9]\d{0,9}))?$/s;
const CONTINUE = /^(?<agent>.+) continue$/s;

/** Reads a step's name; undefined when no agent made it. */
export function parseStepName(name: string): StepName | undefined {
  const counted = COUNTED.exec(name)?.groups;
  if (counted !== undefined) {
    const kind = counted["kind"] === "model" ? "model" : "download";
    return { kind, agent: counted["agent"] ?? "", n: Number(counted["n"]) };
  }
  const tool = TOOL.exec(name)?.groups;
  if (tool !== undefined) {
    const { agent = "", tool: toolName = "", toolCallId = "", repetition } = tool;
    const again = repetition === undefined ? {} : { repetition: Number(repetition) };
    const kind = KINDS_OF_TOOL.find((candidate) => candidate === tool["kind"]) ?? "tool";
    return { kind, agent, tool: toolName, toolCallId, ...again };
  }
  const list = MCP_LIST.exec(name)?.groups;
  if (list !== undefined) return { kind: "mcp", agent: list["agent"] ?? "", server: list["server"] };
  const asked = MCP.exec(name)?.groups;
  if (asked !== undefined) {
    const { server, repetition } = asked;
    return { kind: "mcp", server, ...(repetition === undefined ? {} : { repetition: Number(repetition) }) };
  }
  const rollback = ROLLBACK.exec(name)?.groups;
  if (rollback !== undefined) {
    const { agent = "", label = "", repetition } = rollback;
    return { kind: "undo", agent, label, ...(repetition === undefined ? {} : { repetition: Number(repetition) }) };
  }
  const call = MODEL_CALL.exec(name)?.groups; // After the tools, whose names may be these words.
  const callKind = MODEL_CALLS.find((candidate) => candidate === call?.["kind"]);
  if (call !== undefined && callKind !== undefined) {
    return { kind: callKind, agent: call["agent"] ?? "", n: Number(call["n"]) };
  }
  const agent = CONTINUE.exec(name)?.groups?.["agent"];
  return agent === undefined ? undefined : { kind: "continue", agent };
}
