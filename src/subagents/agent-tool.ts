/**
 * An agent as a tool of another: in the same journal, or as an invocation of its own.
 *
 * - T1 In the same journal it is a run of its own, with steps of its own name; its parent's cancellation, failure and
 *   time limits end it, its usage is its parent's.
 * - T2 As an invocation it is called durably (call-agent.ts, K1 to K4).
 * - T3 Either way a failure is one of the tool: the model is told, or the parent's run ends, as `onFailure` says. Transient
 *   failures are nobody's result: Restate retries.
 */
import type { FlexibleSchema, GenerateTextResult, Output, Tool, ToolExecutionOptions, ToolSet } from "ai";
import { z } from "zod";
import type { AgentInput, AgentOutput } from "../agent/agent-service.ts";
import { RestateAgent } from "../agent/restate-agent.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import { requirePlace } from "../journal/ambient.ts";
import { contextTool, ERROR_POLICY } from "../tools/context-tool.ts";
import type { ToolErrorPolicy } from "../tools/tool-options.ts";
import { type AgentReference, agentTarget } from "./agent-target.ts";
import type { AnswerOf } from "./agent-types.ts";
import { type CallAgentOptions, callTarget } from "./call-agent.ts";
import { type LocalAgent, runLocally } from "./local-agent.ts";

type ToolResultOutput = Awaited<ReturnType<NonNullable<Tool["toModelOutput"]>>>;

/** What the mappings of `agentTool()` are told of the call besides its input. */
export type AgentToolCall = Pick<ToolExecutionOptions<never>, "toolCallId" | "messages">;

/** The default input of `agentTool()`. */
export interface AgentToolInput {
  readonly prompt: string;
}

/** Options of every `agentTool()`. */
export interface AgentToolOptions<INPUT, OUTPUT> {
  /** Tells the model when to ask the agent. */
  readonly description?: string | undefined;
  /** What the model gives. Default: `{ prompt }`. With it, `input` says what the agent gets. */
  readonly inputSchema?: FlexibleSchema<INPUT> | undefined;
  /** What the model is told of the output. Default: the output, as the AI SDK does it. */
  readonly toModelOutput?:
    | ((call: {
        readonly toolCallId: string;
        readonly input: NoInfer<INPUT>;
        readonly output: NoInfer<OUTPUT>;
      }) => ToolResultOutput | PromiseLike<ToolResultOutput>)
    | undefined;
  /**
   * What a failure of the agent does: `"model"` tells the model, `"fail"` ends the run with it. Default: the `toolErrors`
   * of the agent that has the tool.
   */
  readonly onFailure?: ToolErrorPolicy | undefined;
  /** Longest time for one call, in milliseconds; then it fails. Default: none of its own. */
  readonly timeoutMs?: number | undefined;
}

/** Options of `agentTool(agent)`. */
export interface LocalAgentToolOptions<INPUT, CALL_OPTIONS, RESULT, OUTPUT> extends AgentToolOptions<INPUT, OUTPUT> {
  /** What the agent gets: a prompt, or a prompt or messages with its call options. Default: the prompt of the input. */
  readonly input?:
    | ((input: INPUT, call: AgentToolCall) => AgentInput<CALL_OPTIONS> | PromiseLike<AgentInput<CALL_OPTIONS>>)
    | undefined;
  /** What the tool gives. Default: the agent's structured output when it has one, otherwise its text. */
  readonly output?: ((result: RESULT) => OUTPUT | PromiseLike<OUTPUT>) | undefined;
  /**
   * Shows what the agent does while it does it, in the stream of the agent that has the tool: as preliminary outputs of the
   * call, each the agent's message so far. Default true.
   */
  readonly progress?: boolean | undefined;
}

/** Options of `agentTool(service)`. */
export interface RemoteAgentToolOptions<INPUT, ANSWER, OUTPUT>
  extends AgentToolOptions<INPUT, OUTPUT>, Omit<CallAgentOptions, "key" | "idempotencyKey"> {
  /**
   * What the handler gets. Default: with the default schema the prompt; with a schema of yours the input as it is. A session
   * gets it as its message.
   */
  readonly input?: ((input: INPUT, call: AgentToolCall) => unknown) | undefined;
  /** What the tool gives. Default: the answer; of a session its output or text. */
  readonly output?: ((answer: ANSWER) => OUTPUT | PromiseLike<OUTPUT>) | undefined;
  /** The key of the object, or of the session: one conversation per key. */
  readonly key?: string | ((input: INPUT, call: AgentToolCall) => string) | undefined;
  /** Calls with the same key are one invocation. Default: each tool call is its own, however often it is replayed. */
  readonly idempotencyKey?: ((input: INPUT, call: AgentToolCall) => string) | undefined;
}

type Context = Record<string, unknown>;
type AnyOutput = Output.Output<unknown, unknown, unknown>;

const DEFAULT_SCHEMA = z.object({
  prompt: z.string().min(1).describe("The task, with everything that is needed to do it"),
});

/** See `agentTool`. */
export interface MakeAgentTool {
  /**
   * A tool that runs `agent`, in the same invocation and the same journal: its model calls and tool calls are steps with its
   * own name. Parallel calls overlap. Approvals that its tools need are asked of whom the outer agent asks.
   *
   * @throws DefinitionError for options that make no sense.
   *
   * @example
   * ```ts
   * const researcher = new RestateAgent({ id: "researcher", model, tools: { search } });
   * const writer = new RestateAgent({
   *   id: "writer",
   *   model,
   *   tools: { research: agentTool(researcher, { description: "Finds out what is known about a subject" }) },
   * });
   * ```
   */
  <
    CALL_OPTIONS,
    TOOLS extends ToolSet,
    RUNTIME_CONTEXT extends Context,
    OUTPUT extends AnyOutput,
    INPUT = AgentToolInput,
    RESULT = AgentOutput<OUTPUT>,
  >(
    agent: RestateAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>,
    options?: LocalAgentToolOptions<INPUT, CALL_OPTIONS, GenerateTextResult<TOOLS, RUNTIME_CONTEXT, OUTPUT>, RESULT>,
  ): Tool<INPUT, RESULT>;

  /**
   * A tool that calls the agent behind a service, object or session over Restate: an invocation of its own, with its own
   * retries, on its own deployment. Parallel calls overlap. When the outer agent is cancelled, fails or runs out of time,
   * what it has called is cancelled. What the called agents use counts for the outer one.
   *
   * @throws DefinitionError for options that make no sense.
   *
   * @example
   * ```ts
   * const checkFraud = agentTool(fraudService, { description: "Checks a claim for fraud", timeoutMs: 60_000 });
   * const askExpert = agentTool(expertSession, { key: ({ topic }) => topic, inputSchema, input: ({ question }) => question });
   * ```
   */
  <DEFINITION extends AgentReference, INPUT = AgentToolInput, RESULT = AnswerOf<DEFINITION>>(
    agent: DEFINITION,
    options?: RemoteAgentToolOptions<INPUT, AnswerOf<DEFINITION>, RESULT>,
  ): Tool<INPUT, RESULT>;
}

/** An agent as a tool of another one: `agentTool(agent)` in the same journal, `agentTool(service)` as its own invocation. */
export const agentTool: MakeAgentTool = ((agent: AgentReference, options: LooseOptions = {}) => {
  checkTimeout(agent, options.timeoutMs);
  const isLocal = agent instanceof RestateAgent;
  const execute = isLocal ? localExecute(agent as LocalAgent, options) : remoteExecute(agent, options);
  const { description, inputSchema = DEFAULT_SCHEMA, toModelOutput, onFailure } = options;
  const made = contextTool({
    description: description ?? `Asks the agent ${agent.name} to do a task, and gives its answer.`,
    inputSchema,
    execute,
    ...(toModelOutput === undefined ? {} : { toModelOutput }),
  });
  return onFailure === undefined ? made : Object.assign(made, { [ERROR_POLICY]: onFailure });
}) as unknown as MakeAgentTool;

/** Inside nobody knows the types of one agent. */
type LooseOptions = AgentToolOptions<unknown, unknown> &
  Omit<CallAgentOptions, "key" | "idempotencyKey"> & {
    readonly input?: (input: unknown, call: AgentToolCall) => unknown;
    readonly output?: (result: unknown) => unknown;
    readonly progress?: boolean;
    readonly key?: string | ((input: unknown, call: AgentToolCall) => string);
    readonly idempotencyKey?: (input: unknown, call: AgentToolCall) => string;
  };
type Execute = (input: unknown, call: ToolExecutionOptions<never>) => Promise<unknown>;

function localExecute(agent: LocalAgent, options: LooseOptions): Execute {
  const { inputSchema, input: mapping, output, timeoutMs, progress = true } = options;
  if (inputSchema !== undefined && mapping === undefined) {
    throw new DefinitionError(
      `Cannot make a tool of agent "${agent.name}": with an inputSchema, say with "input" what the agent gets`,
    );
  }
  return async (input, call) => {
    const given = mapping === undefined ? promptOf(input) : await mapping(input, call);
    const result = await runLocally(agent, given, { call, timeoutMs, progress });
    return output === undefined ? answerOf(agent, result) : output(result);
  };
}

function remoteExecute(reference: AgentReference, options: LooseOptions): Execute {
  const { handler, key, idempotencyKey, input: mapping, inputSchema, output, timeoutMs, scope, limitKey } = options;
  const target = agentTarget(reference, handler);
  if (target.isKeyed === true && key === undefined) {
    throw new DefinitionError(`Cannot make a tool of ${reference.name}: it is an object: say with "key" which one`);
  }
  const own = inputSchema === undefined ? promptOf : (input: unknown) => input;
  return async (input, call) => {
    const given = await (mapping === undefined ? own(input) : mapping(input, call));
    const answer = await callTarget(requirePlace(`agentTool() of ${reference.name}`), target, given, {
      key: typeof key === "function" ? key(input, call) : key,
      idempotencyKey: idempotencyKey?.(input, call),
      timeoutMs,
      scope,
      limitKey,
      isOnly: true,
    });
    return output === undefined ? answer : output(answer);
  };
}

function promptOf(input: unknown): string {
  return (input as AgentToolInput).prompt;
}

function answerOf(agent: object, { text, output }: { readonly text: string; readonly output: unknown }): unknown {
  return (agent as { readonly settings?: Readonly<Record<string, unknown>> }).settings?.["output"] === undefined
    ? text
    : output;
}

function checkTimeout({ name }: AgentReference, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (Number.isFinite(timeoutMs) && timeoutMs > 0)) return;
  throw new DefinitionError(`Cannot make a tool of ${name}: timeoutMs must be positive: current value is ${timeoutMs}`);
}
