/**
 * Agents that work in the background: started now, collected later, by whoever has the handle, or called back.
 *
 * - B1 A start is an entry of the journal: it happens once. The agent has its own life: its starter may end, fail or be
 *   cancelled.
 * - B2 A handle is plain JSON: it may be stored, sent, and collected in another turn or another handler, as long as Restate
 *   keeps the answer (`idempotencyRetention` of the agent's service; a day by default).
 * - B3 Who collects pays: the usage is counted there. Collected twice, it is counted twice. Who is called back is told of it.
 * - B4 It is bound by no budget of its starter's, who may have ended long before.
 */
import type { LanguageModelUsage } from "ai";
import { z } from "zod";
import { AgentRun } from "../agent/agent-run.ts";
import { delegated } from "../agent/delegation.ts";
import type { UsageLedger } from "../agent/usage-ledger.ts";
import { ownerOf } from "../approvals/approval-owner.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { readMessage } from "../errors/read-error.ts";
import { type Place, requirePlace } from "../journal/ambient.ts";
import { callerHeaders } from "../journal/caller-header.ts";
import { atBoundary, handlers, service } from "../journal/handlers.ts";
import { type Context, type Duration, serde, type Serde, type ServiceDefinition, TerminalError } from "../restate.ts";
import { type AgentReference, agentTarget, type AgentTarget, targetName } from "./agent-target.ts";
import type { AnswerOf } from "./agent-types.ts";
import { type CallAgentOptions, callOf, callTarget, outputOf, type Reply } from "./call-agent.ts";

/** An agent that was started, as JSON. */
export interface AgentHandle {
  /** Of Restate. */
  readonly invocationId: string;
  /** What was started, as `<service>/<handler>`. */
  readonly target: string;
  /** True when its answer is that of a session. */
  readonly session?: true;
}

/** Options of `startAgent()`. */
export interface StartAgentOptions extends Omit<CallAgentOptions, "timeoutMs"> {
  /** When it is to begin; a number is milliseconds. Default: now. */
  readonly delay?: number | Duration | undefined;
  /** Who is told of the result, and through which `agentJobs()`. Default: nobody, the handle is there to collect it. */
  readonly notify?: (AgentCallback & { readonly through: AgentReference }) | undefined;
}

/** A handler that is called with an `AgentResult`. */
export interface AgentCallback {
  readonly service: string;
  readonly handler: string;
  /** The key, when it is that of an object. */
  readonly key?: string | undefined;
  /** Handed on as it is. */
  readonly data?: unknown;
}

/** What the handler of an `AgentCallback` is called with. */
export type AgentResult<OUTPUT = unknown> = {
  /** What was started, as `<service>/<handler>`. */
  readonly target: string;
  /** The callback's `data`. */
  readonly data?: unknown;
  /** What it has used, as far as it reports that: nobody else counts it. Absent in what older versions sent. */
  readonly usage?: Partial<LanguageModelUsage> | undefined;
} & (
  | { readonly ok: true; readonly output: OUTPUT }
  | { readonly ok: false; readonly error: { readonly message: string; readonly code: number } }
);

const json: Serde<unknown> = serde.json as Serde<unknown>;

/**
 * Starts an agent's service, object or session and does not wait for it. In a handler or a context tool.
 *
 * @throws DefinitionError as `callAgent()`.
 *
 * @example
 * ```ts
 * const handle = await startAgent(researchService, prompt);
 * restateObjectContext().set("research", handle);
 * // in a later turn, or another handler:
 * const report = await collectAgent(handle);
 * ```
 */
export async function startAgent(
  agent: AgentReference,
  input: unknown,
  options: StartAgentOptions = {},
): Promise<AgentHandle> {
  const place = requirePlace("startAgent()");
  const { context } = place.invocation;
  const { handler, delay, notify, ...rest } = options;
  const target = agentTarget(agent, handler);
  // With a key Restate keeps the answer for whoever attaches later.
  const send = callOf(place, target, input, { ...rest, idempotencyKey: rest.idempotencyKey ?? context.rand.uuidv4() });
  const { outputSerde: _, headers, ...own } = send;
  // Nobody is told what a job has used; whose it is, it tells the agent.
  const job =
    notify === undefined
      ? { ...own, ...(headers === undefined ? {} : { headers }) }
      : { ...jobOf(target, own, notify), headers: callerHeaders(ownerOf(place)) };
  const { invocationId } = context.genericSend({ ...job, ...(delay === undefined ? {} : { delay }) });
  return {
    invocationId: await invocationId,
    target: targetName(target, rest.key),
    ...(target.isSession && notify === undefined ? { session: true } : {}),
  };
}

/**
 * Waits for the answer of an agent that was started, here or elsewhere.
 *
 * @throws TimeoutError (408) after `timeoutMs`: the agent goes on, and may be collected again. What the agent failed with;
 * AgentCancelledError when it was cancelled.
 */
export async function collectAgent<DEFINITION extends AgentReference = AgentReference>(
  handle: AgentHandle,
  { timeoutMs }: { readonly timeoutMs?: number | undefined } = {},
): Promise<AnswerOf<DEFINITION>> {
  const place = requirePlace("collectAgent()");
  const { invocationId, target, session } = handle;
  const attached = place.invocation.context.attach<unknown>(idOf(invocationId), json);
  const ended = attached.map((value, failure) =>
    failure === undefined ? { ok: true, value } : { ok: false, failure },
  );
  const reply = (await (timeoutMs === undefined ? ended : ended.orTimeout(timeoutMs))) as Reply;
  const usage = AgentRun.of(place.fiber)?.usage;
  return outputOf(target, reply, { isSession: session === true }, usage) as AnswerOf<DEFINITION>;
}

/** Cancels an agent that was started. Nothing happens when it has ended. */
export function cancelAgent({ invocationId }: AgentHandle): void {
  requirePlace("cancelAgent()").invocation.context.cancel(idOf(invocationId));
}

type InvocationId = Parameters<Context["cancel"]>[0];

/** Restate's ids are strings with a type of their own. */
function idOf(id: string): InvocationId {
  return id as unknown as InvocationId;
}

const jobSchema = z.object({
  target: z.object({
    service: z.string().min(1),
    handler: z.string().min(1),
    isKeyed: z.boolean().optional(),
    isSession: z.boolean(),
  }),
  key: z.string().optional(),
  scope: z.string().optional(),
  limitKey: z.string().optional(),
  input: z.unknown(),
  notify: z.object({
    service: z.string().min(1),
    handler: z.string().min(1),
    key: z.string().optional(),
    data: z.unknown(),
  }),
});

type Send = Omit<ReturnType<typeof callOf>, "outputSerde" | "headers">;

/** The job that calls `target`, and then tells whom it concerns. */
function jobOf(target: AgentTarget, send: Send, notify: AgentCallback & { readonly through: AgentReference }): Send {
  const { through, ...callback } = notify;
  const { key, parameter, idempotencyKey, scope, limitKey } = send;
  return {
    service: through.name,
    method: "run",
    parameter: { target, key, scope, limitKey, input: parameter, notify: callback },
    inputSerde: json,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** The handlers of `agentJobs()`. */
export interface AgentJobHandlers {
  run: (context: Context, job: unknown) => Promise<unknown>;
}

/**
 * A private service that runs agents for `startAgent()` with `notify`: it calls the agent, and then the handler that is to
 * know, also when the agent has failed or was cancelled. Serve it beside your agents.
 *
 * @example
 * ```ts
 * export const jobs = agentJobs("Jobs");
 * await startAgent(researchService, prompt, { notify: { through: jobs, service: "Reports", key, handler: "add" } });
 * ```
 */
export function agentJobs<const NAME extends string>(name: NAME): ServiceDefinition<NAME, AgentJobHandlers> {
  const run = handlers.handler({ ingressPrivate: true }, async (context: Context, input: unknown) => {
    const parsed = jobSchema.safeParse(input);
    if (!parsed.success) {
      throw new InvalidInputError(
        `Cannot run a job of ${name}: startAgent() makes them: ${z.prettifyError(parsed.error)}`,
      );
    }
    return delegated(context, async ({ usage }) => runJob(requirePlace(name), parsed.data, usage));
  });
  return service({ name, handlers: { run } });
}

async function runJob(place: Place, job: z.infer<typeof jobSchema>, usage: UsageLedger): Promise<unknown> {
  const { target, key, scope, limitKey, input, notify } = job;
  const { context } = place.invocation;
  const { service: of, handler, key: own, data } = notify;
  const whole: AgentTarget = { ...target, isKeyed: target.isKeyed };
  const tell = (result: { readonly ok: boolean; readonly output?: unknown; readonly error?: unknown }): void => {
    const parameter = { target: targetName(whole, key), data, usage: usage.total, ...result };
    context.genericSend({
      service: of,
      method: handler,
      parameter,
      inputSerde: json,
      ...(own === undefined ? {} : { key: own }),
    });
  };
  try {
    const output = await callTarget(place, whole, input, { key, scope, limitKey }, usage);
    tell({ ok: true, output });
    return output;
  } catch (error) {
    const failure = atBoundary(error);
    if (failure instanceof TerminalError)
      tell({ ok: false, error: { message: readMessage(failure), code: failure.code } });
    throw failure;
  }
}
