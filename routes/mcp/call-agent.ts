/** Calls an agent through Restate's ingress, for a caller that speaks MCP. */
import type { Context } from "hono";
import { z } from "zod";
import type { InvocationTarget } from "../../src/ingress/target.ts";
import { callOrAccept, type Outcome } from "../agents/call.ts";
import { flowControlOf, orUnsupported } from "../agents/flow-control.ts";
import { keySpaceOf } from "../agents/key-space.ts";
import { ingressClient } from "../agents/route-context.ts";
import { traceHeadersOf } from "../agents/trace-headers.ts";
import { HttpProblem } from "../problem.ts";
import { sessionName } from "../session-name.ts";
import type { ExposedAgent } from "./exposed-agent.ts";
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

/**
 * @throws HttpProblem for a key that is none, a name of a conversation that is none, and Restate's trouble.
 */
export async function callAgent(
  context: Context,
  { targets, hasAuth, flowControl: say, waitMs, maxWaitMs }: ServerFacts,
  agent: ExposedAgent,
  { input, meta }: AgentCall,
): Promise<ToolAnswer> {
  const { definition, handler, isSession, bodyOf } = agent;
  const service = definition.name;
  await targets.require(service, handler, isSession);
  const sentKey = idempotencyKey(context, meta);
  const ownKey = sentKey ?? crypto.randomUUID();
  const keys = await keySpaceOf(context, hasAuth);
  const key = isSession ? keys.forRestate(conversationOf(input)) : undefined;
  const limitKey = context.req.header("x-limit-key");
  const flowControl = await flowControlOf(context, say, { service, handler, key }, limitKey);
  const target: InvocationTarget = { service, handler, key, flowControl };
  const request = {
    body: new TextEncoder().encode(JSON.stringify(bodyOf(input))).buffer,
    headers: { ...traceHeadersOf(context.req.raw.headers), ...keys.headers },
    idempotencyKey: isSession ? ownKey : keys.forRestate(ownKey),
    timeoutMs: meta?.["progressToken"] === undefined ? waitMs : maxWaitMs,
  };
  const outcome = await orUnsupported(() => callOrAccept(ingressClient(context), target, request, ownKey));
  const answer = answerOf(outcome, isSession, ownKey);
  // A failure may quote the key under which Restate has the caller's conversation.
  return { ...answer, content: answer.content.map((part) => ({ ...part, text: shown(part.text) })) };

  function shown(text: string): string {
    return outcome.kind === "failure" ? keys.hide(text) : text;
  }
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

function answerOf(outcome: Outcome, isSession: boolean, key: string): ToolAnswer {
  const _meta = { "restate-edge-agents/invocation-id": outcome.id };
  switch (outcome.kind) {
    case "success": {
      const text = new TextDecoder().decode(outcome.bytes);
      return { ...resultOf(text, isSession), _meta };
    }
    case "failure": {
      const { code, message, errorCode } = outcome;
      const facts = errorCode === undefined ? { code } : { code, errorCode };
      return { isError: true, content: [{ type: "text", text: message }], structuredContent: facts, _meta };
    }
    case "accepted":
    case "already-started": {
      const text = `The run has not ended yet and goes on, as invocation ${outcome.id}. Repeat the call with the idempotency key ${key} to wait for its result.`;
      const facts = { status: "running", invocationId: outcome.id, idempotencyKey: key };
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
