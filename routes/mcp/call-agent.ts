/** Calls an agent through Restate's ingress, for a caller that speaks MCP. */
import type { Context } from "hono";
import { z } from "zod";
import type { InvocationTarget } from "../../src/ingress/target.ts";
import { callOrAccept, type Outcome } from "../agents/call.ts";
import { flowControlOf, orUnsupported } from "../agents/flow-control.ts";
import { type KeySpace, keySpaceOf } from "../agents/key-space.ts";
import { ingressClient } from "../agents/route-context.ts";
import { traceHeadersOf } from "../agents/trace-headers.ts";
import { HttpProblem } from "../problem.ts";
import { sessionName } from "../session-name.ts";
import { type ExposedAgent, RESULT_TOOL } from "./exposed-agent.ts";
import type { ServerFacts } from "./server.ts";

/** In a call's `_meta`: two calls of a tool with the same key are one run. */
export const IDEMPOTENCY_META = "restate-edge-agents/idempotency-key";

/** A tool's result. */
export interface ToolAnswer {
  [key: string]: unknown;
  content: { type: "text"; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
}

const KEY = /^[\x21-\x7e]{1,255}$/;
const jsonObject = z.record(z.string(), z.unknown());

/** One call. */
export interface AgentCall {
  readonly input: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

/** Where a call goes, and the keys of whoever makes it. */
interface Aim {
  readonly target: InvocationTarget;
  readonly keys: KeySpace;
}

/** @throws HttpProblem for a tool whose handler is private, and a name of a conversation that is none. */
async function aimOf(
  context: Context,
  facts: ServerFacts,
  agent: ExposedAgent,
  input: AgentCall["input"],
): Promise<Aim> {
  const { definition, handler, isSession } = agent;
  const service = definition.name;
  await facts.targets.require(service, handler, isSession);
  const keys = await keySpaceOf(context, facts.hasAuth);
  const key = isSession ? keys.forRestate(conversationOf(input)) : undefined;
  const limitKey = context.req.header("x-limit-key");
  const flowControl = await flowControlOf(context, facts.flowControl, { service, handler, key }, limitKey);
  return { target: { service, handler, key, flowControl }, keys };
}

/**
 * @throws HttpProblem for a key that is none, a name of a conversation that is none, and Restate's trouble.
 */
export async function callAgent(
  context: Context,
  facts: ServerFacts,
  agent: ExposedAgent,
  { input, meta }: AgentCall,
): Promise<ToolAnswer> {
  const ownKey = idempotencyKey(context, meta) ?? crypto.randomUUID();
  const { target, keys } = await aimOf(context, facts, agent, input);
  const request = {
    body: new TextEncoder().encode(JSON.stringify(agent.bodyOf(input))).buffer,
    headers: { ...traceHeadersOf(context.req.raw.headers), ...keys.headers },
    idempotencyKey: agent.isSession ? ownKey : keys.forRestate(ownKey),
    timeoutMs: waitOf(facts, meta),
  };
  const outcome = await orUnsupported(() => callOrAccept(ingressClient(context), target, request, ownKey));
  return answerOf(outcome, { agent, input, ownKey, keys });
}

/** A run that had not ended when its tool answered. */
export interface StartedRun {
  /** The tool's name. */
  readonly tool: string;
  /** The idempotency key of the call. */
  readonly run: string;
  readonly conversation?: string | undefined;
}

/**
 * Waits for the result of a run. Nothing is begun by it.
 *
 * @throws HttpProblem `not-found` (404) for a tool that is none; InvocationNotFoundError for a run that is none.
 */
export async function awaitRun(
  context: Context,
  facts: ServerFacts,
  { tool, run, conversation }: StartedRun,
  meta: AgentCall["meta"],
): Promise<ToolAnswer> {
  const agent = facts.agents.find(({ name }) => name === tool);
  if (agent === undefined)
    throw new HttpProblem("not-found", 404, `There is no tool "${tool}" whose run could be awaited`);
  const input = { conversation };
  const { target, keys } = await aimOf(context, facts, agent, input);
  const ingress = ingressClient(context);
  const id = await ingress.lookup(target, agent.isSession ? run : keys.forRestate(run));
  const result = await ingress.attach(id, waitOf(facts, meta));
  return answerOf(result ?? { kind: "accepted", id, isNew: false }, { agent, input, ownKey: run, keys });
}

/** Callers that are told of progress wait longer. */
function waitOf({ waitMs, maxWaitMs }: ServerFacts, meta: AgentCall["meta"]): number {
  return meta?.["progressToken"] === undefined ? waitMs : maxWaitMs;
}

/** @throws HttpProblem `invalid-request` (400) */
function idempotencyKey(context: Context, meta: AgentCall["meta"]): string | undefined {
  const key = meta?.[IDEMPOTENCY_META] ?? context.req.header("idempotency-key");
  if (key === undefined || (typeof key === "string" && KEY.test(key))) return key;
  throw new HttpProblem(
    "invalid-request",
    400,
    "The idempotency key must be 1 to 255 printable ASCII characters without spaces",
  );
}

/** @throws HttpProblem `invalid-request` (400) */
function conversationOf({ conversation }: AgentCall["input"]): string {
  const parsed = sessionName.safeParse(conversation);
  if (parsed.success) return parsed.data;
  throw new HttpProblem("invalid-request", 400, `The conversation has no such name: ${z.prettifyError(parsed.error)}`);
}

/** Whose answer it is. */
interface Asked {
  readonly agent: ExposedAgent;
  readonly input: AgentCall["input"];
  readonly ownKey: string;
  readonly keys: KeySpace;
}

function answerOf(outcome: Outcome, { agent, input, ownKey, keys }: Asked): ToolAnswer {
  const _meta = { "restate-edge-agents/invocation-id": outcome.id };
  switch (outcome.kind) {
    case "success": {
      const text = new TextDecoder().decode(outcome.bytes);
      return { ...resultOf(text, agent.isSession), _meta };
    }
    case "failure": {
      const { code, message, errorCode } = outcome;
      const facts = errorCode === undefined ? { code } : { code, errorCode };
      // It may quote the key under which Restate has the caller's conversation.
      const content: ToolAnswer["content"] = [{ type: "text", text: keys.hide(message) }];
      return { isError: true, content, structuredContent: facts, _meta };
    }
    case "accepted":
    case "already-started": {
      const conversation = agent.isSession ? { conversation: input["conversation"] } : {};
      const next = { tool: agent.name, run: ownKey, ...conversation };
      const text = `The run has not ended yet and goes on, as invocation ${outcome.id}. Call the tool ${RESULT_TOOL} with ${JSON.stringify(next)} to wait for its result, or repeat the call with the idempotency key ${ownKey}.`;
      const facts = { status: "running", invocationId: outcome.id, idempotencyKey: ownKey };
      return { content: [{ type: "text", text }], structuredContent: facts, _meta };
    }
  }
}

/** A text as it is; an object as structured content, too; of a session's answer, what was said. */
function resultOf(text: string, isSession: boolean): ToolAnswer {
  const value = parsed(text);
  if (typeof value === "string") return { content: [{ type: "text", text: value }] };
  const object = jsonObject.safeParse(value);
  if (!object.success) return { content: [{ type: "text", text }] };
  const { text: said, output, turn, finishReason } = object.data;
  if (!isSession) return { content: [{ type: "text", text }], structuredContent: object.data };
  return {
    content: [{ type: "text", text: String(said) }],
    structuredContent: { turn, text: said, finishReason, ...(output === undefined ? {} : { output }) },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
