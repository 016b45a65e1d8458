/** A conversation as a virtual object: one key, one conversation, one turn at a time. */
import type { Output, ToolSet } from "ai";
import type { AgentOutput } from "../agent/agent-service.ts";
import { delegated } from "../agent/delegation.ts";
import type { RestateAgent } from "../agent/restate-agent.ts";
import { approvalObject } from "../approvals/approval-object.ts";
import { durationMs } from "../journal/duration.ts";
import { type Companion, COMPANIONS } from "../journal/companions.ts";
import { handlers, object } from "../journal/handlers.ts";
import { type ObjectContext, type ObjectSharedContext, type Serde, type VirtualObjectDefinition } from "../restate.ts";
import { restateStreamStore } from "../stream/restate-stream-store.ts";
import { streamObject } from "../stream/stream-object.ts";
import type { StreamStore } from "../stream/stream-store.ts";
import { decodeValue, encodeValue } from "../journal/codec.ts";
import { callObject } from "./client-tools/call-object.ts";
import { expire, reset } from "./forget.ts";
import { history, turns } from "./history.ts";
import { interrupt } from "./interrupt.ts";
import { SESSION, type SessionInfo } from "./session-info.ts";
import { checkSessionOptions, type SessionOptions } from "./session-options.ts";
import type { SessionHandlers } from "./session-types.ts";
import type { Session, SessionAgent } from "./session.ts";
import { status, update } from "./status.ts";
import { inboxObject } from "./steering/inbox-object.ts";
import { adopt } from "./steering/adopt.ts";
import type { CloseRequest } from "./steering/inbox-object.ts";
import { steer } from "./steering/steer.ts";
import type { ExpireInput } from "./turn/after-turn.ts";
import { find } from "./turn/find-turn.ts";
import type { TurnsAnswer } from "./turn/past-turns.ts";
import { runTurn } from "./turn/run-turn.ts";

/** How long a turn waits for the client to execute a tool. */
const CLIENT_TIMEOUT = { days: 1 };

/** What `agentSession()` makes. */
export type SessionDefinition<NAME extends string, CALL_OPTIONS, OUTPUT> = VirtualObjectDefinition<
  NAME,
  SessionHandlers<CALL_OPTIONS, OUTPUT>
> & {
  readonly [SESSION]: SessionInfo;
  readonly [COMPANIONS]: readonly Companion[];
};

/**
 * Conversations with an agent. It is a virtual object: the key names the conversation, and its turns (`send`) come one
 * after the other. It brings along the objects that keep its streams, approvals and messages for running turns; an edge
 * app serves them too.
 *
 * The agent's calls, tools and steps are journaled as in any handler. A turn needs `RESTATE_INGRESS_URL`: streams, and the
 * turns before, go through Restate's ingress, so that no turn uploads the whole conversation again.
 *
 * @param agent The agent, or a function that makes it, called anew in each attempt of a turn.
 * @throws DefinitionError for an option that makes no sense.
 *
 * @example
 * ```ts
 * export const support = agentSession("Support", supportAgent, {
 *   compaction: { maxTokens: 100_000 },
 *   expiry: { days: 30 },
 * });
 * export default createEdgeApp({ services: [support], publicServices: [support] });
 * ```
 */
export function agentSession<
  const NAME extends string,
  CALL_OPTIONS,
  TOOLS extends ToolSet,
  RUNTIME_CONTEXT extends Record<string, unknown>,
  OUTPUT extends Output.Output<unknown, unknown, unknown>,
>(
  name: NAME,
  agent:
    | RestateAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>
    | (() => RestateAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>),
  options: SessionOptions = {},
): SessionDefinition<NAME, CALL_OPTIONS, AgentOutput<OUTPUT>> {
  checkSessionOptions(name, options);
  const { streams, streamBatchMs, streamRetention, approvals, clientTools, steering = true, ...rest } = options;
  const { compaction, title, expiry, budget, ...objectOptions } = rest;
  const companions: Companion[] = [];
  const approvalsName = `${name}.approvals`;
  const { retention, ...asking } = approvals ?? {};
  companions.push(approvalObject(approvalsName, retention === undefined ? {} : { retention }));
  const store = streamStoreOf(name, streams, streamRetention, companions);
  const inbox = steering ? `${name}.inbox` : undefined;
  if (inbox !== undefined) companions.push(inboxObject(inbox, name));
  const calls = store === undefined ? undefined : `${name}.calls`;
  if (calls !== undefined) companions.push(callObject(calls));
  const session: Session = {
    name,
    agent: agentMaker(agent),
    streams: store,
    streamBatchMs,
    approvals: { object: { name: approvalsName }, ...asking },
    inbox,
    clientCalls:
      calls === undefined
        ? undefined
        : { object: calls, timeoutMs: durationMs(clientTools?.timeout ?? CLIENT_TIMEOUT) },
    compaction,
    title,
    expiryMs: expiry === undefined ? undefined : durationMs(expiry),
    budget,
  };
  const definition = object({
    name,
    handlers: sessionHandlers(session),
    options: { enableLazyState: true, ...objectOptions },
  });
  const info: SessionInfo = {
    name,
    streams: store,
    approvals: { name: approvalsName },
    clientCalls: calls === undefined ? undefined : { name: calls },
    steering,
  };
  return Object.assign(definition, { [SESSION]: info, [COMPANIONS]: companions });
}

/** The handlers of a session: those of `SessionHandlers`, and three that only the session and the routes have use for. */
function sessionHandlers(session: Session) {
  const { shared, exclusive } = handlers.object;
  const { name } = session;
  return {
    send: async (context: ObjectContext, input: unknown) =>
      delegated(context, async (call) => runTurn(session, context, input, call)),
    update: async (context: ObjectContext, input: unknown) => update(session, context, input),
    reset: async (context: ObjectContext) => reset(session, context),
    interrupt: shared(async (context: ObjectSharedContext, input: unknown) => interrupt(session, context, input)),
    steer: shared(async (context: ObjectSharedContext, input: unknown) => steer(session, context, input)),
    adopt: shared({ ingressPrivate: true }, async (context: ObjectSharedContext, input: CloseRequest) =>
      adopt(session, context, input),
    ),
    history: shared(async (context: ObjectSharedContext, input: unknown) => history(name, context, input)),
    status: shared(async (context: ObjectSharedContext) => status(session, context)),
    find: shared(
      { journalRetention: 0, idempotencyRetention: 0 },
      async (context: ObjectSharedContext, input: unknown) => find(name, context, input),
    ),
    // Over the ingress: see past-turns.ts. Nobody asks for its answers later.
    turns: shared(
      { output: turnsSerde, journalRetention: 0, idempotencyRetention: 0 },
      async (context: ObjectSharedContext, input: unknown) => turns(name, context, input),
    ),
    expire: exclusive({ ingressPrivate: true }, async (context: ObjectContext, input: ExpireInput) =>
      expire(session, context, input),
    ),
  };
}

/** Messages as they are stored: with binary content, dates and URLs. */
const turnsSerde: Serde<TurnsAnswer> = {
  contentType: "application/json",
  serialize: encodeValue,
  deserialize: (bytes) => decodeValue(bytes) as TurnsAnswer,
};

function streamStoreOf(
  name: string,
  streams: StreamStore | false | undefined,
  retention: SessionOptions["streamRetention"],
  companions: Companion[],
): StreamStore | undefined {
  if (streams !== undefined) return streams === false ? undefined : streams;
  const streamsName = `${name}.streams`;
  companions.push(streamObject(streamsName, retention === undefined ? {} : { retentionMs: durationMs(retention) }));
  return restateStreamStore(streamsName);
}

/** Inside a session nobody knows the agent's types; its callers do. */
function agentMaker(agent: object): () => SessionAgent {
  return typeof agent === "function" ? (agent as () => SessionAgent) : () => agent as unknown as SessionAgent;
}
