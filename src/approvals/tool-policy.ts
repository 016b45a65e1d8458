/**
 * Whether a tool call needs a person: the AI SDK's `toolApproval` setting, and `needsApproval` of the tool, with the same
 * precedence and meaning. What is a function may do I/O and read clocks, so it is asked in a step.
 */
import type { ModelMessage, ToolSet } from "ai";
import { TerminalError } from "../restate.ts";

/** As the AI SDK's `ToolApprovalStatus`, always an object. */
export interface PolicyStatus {
  readonly type: (typeof STATUSES)[number];
  readonly reason?: string | undefined;
}

const STATUSES = ["not-applicable", "approved", "denied", "user-approval"] as const;

/** What the functions are given besides the call itself. */
export interface PolicySettings {
  readonly toolApproval: unknown;
  readonly tools: ToolSet;
  readonly toolsContext: unknown;
  readonly runtimeContext: unknown;
}

/** A tool call, as its `execute` sees it. */
export interface PolicyCall {
  readonly toolName: string;
  readonly toolCallId: string;
  readonly input: unknown;
  readonly messages: readonly ModelMessage[];
  /** The tool's own context. */
  readonly context: unknown;
}

type Ask = () => unknown;

/** A status, or the function that has to be asked for it. */
export function policyOf(settings: PolicySettings, call: PolicyCall): PolicyStatus | Ask {
  const { toolApproval, tools, toolsContext, runtimeContext } = settings;
  const { toolName, toolCallId, input, messages, context } = call;
  const tool = own(tools, toolName);
  if (isFunction(toolApproval)) {
    const dynamic = tool?.type === "dynamic" ? { dynamic: true } : {};
    const toolCall = { type: "tool-call", toolCallId, toolName, input, ...dynamic };
    return () => toolApproval({ toolCall, tools, toolsContext, messages, runtimeContext });
  }
  const configured: unknown = own(toolApproval, toolName);
  if (isFunction(configured)) {
    return () => configured(input, { toolCallId, messages, toolContext: context, runtimeContext });
  }
  if (configured !== undefined && configured !== null) return statusOf(configured, toolName);
  const needsApproval: unknown = tool?.needsApproval;
  if (isFunction(needsApproval)) {
    return async () => {
      const isNeeded: unknown = await needsApproval.call(tool, input, { toolCallId, messages, context });
      return isNeeded ? "user-approval" : undefined;
    };
  }
  return { type: needsApproval ? "user-approval" : "not-applicable" };
}

/**
 * What a function said, as a status.
 *
 * @throws TerminalError for what is none: the tool must not run by mistake.
 */
export function statusOf(said: unknown, toolName: string): PolicyStatus {
  const given: unknown = said ?? "not-applicable";
  const { type, reason } = typeof given === "object" && given !== null ? fieldsOf(given) : { type: given };
  const status = STATUSES.find((candidate) => candidate === type);
  if (status === undefined) {
    throw new TerminalError(
      `Cannot tell whether the tool "${toolName}" needs an approval: its approval setting gave something that is no status; use one of ${STATUSES.join(", ")}`,
    );
  }
  return { type: status, ...(typeof reason === "string" ? { reason } : {}) };
}

export function isFunction(value: unknown): value is (...parameters: unknown[]) => unknown {
  return typeof value === "function";
}

function fieldsOf(given: object): { readonly type?: unknown; readonly reason?: unknown } {
  return given;
}

/** A model may name a tool like something that every object has. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined;
function own(record: unknown, name: string): unknown;
function own(record: unknown, name: string): unknown {
  if (typeof record !== "object" || record === null || !Object.hasOwn(record, name)) return undefined;
  return (record as Readonly<Record<string, unknown>>)[name];
}
