/** One-liner: an agent as a Restate service. */
import type { ModelMessage, Output, ToolSet } from "ai";
import { z } from "zod";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { handlers, service } from "../journal/handlers.ts";
import type { Context, ServiceDefinition, ServiceOptions } from "../restate.ts";
import { CONTINUE, CONTINUE_HANDLER_OPTIONS, type ContinueAsNewOptions, SegmentChain } from "./continue-as-new.ts";
import { markerOf } from "./conversation-mark.ts";
import { LAST_ACT } from "./agent-run.ts";
import { withRollback } from "../tools/rollback/with-rollback.ts";
import { SEGMENT, type Segment } from "./continue-as-new-segment.ts";
import { delegated, type Delegation } from "./delegation.ts";
import { EXTRAS, type RunExtras } from "./run-extras.ts";
import type { RestateAgent } from "./restate-agent.ts";

/** What an agent service is called with: a prompt, or a prompt or messages with call options. */
export type AgentInput<CALL_OPTIONS = never> =
  | string
  | ({ readonly prompt: string; readonly messages?: never } & OptionsInput<CALL_OPTIONS>)
  | ({ readonly messages: ModelMessage[]; readonly prompt?: never } & OptionsInput<CALL_OPTIONS>);

type OptionsInput<CALL_OPTIONS> = [CALL_OPTIONS] extends [never] ? object : { readonly options: CALL_OPTIONS };

/** What an agent service answers: the structured output when the agent has one, otherwise the text. */
export type AgentOutput<OUTPUT> = [OUTPUT] extends [never]
  ? string
  : OUTPUT extends Output.Output<infer COMPLETE, infer _PARTIAL, infer _ELEMENT>
    ? COMPLETE
    : string;

/** The handlers of an agent service. */
export interface AgentHandlers<CALL_OPTIONS, OUTPUT> {
  run: (context: Context, input: AgentInput<CALL_OPTIONS>) => Promise<AgentOutput<OUTPUT>>;
}

/** Options of an agent service: Restate's for services, and ours. */
export type AgentServiceOptions = ServiceOptions & {
  /**
   * Long runs go on in new invocations, so that no journal grows without bound; the caller gets the final answer. The
   * agent's stop conditions and `prepareStep` see the whole run, its total timeout bounds the whole run; `prepareCall`
   * and callbacks such as `onEnd` run once in each invocation. Only here: agents that you call yourself, with
   * `generate()` or `stream()`, stay in their invocation. Default: a run is one invocation.
   */
  readonly continueAsNew?: ContinueAsNewOptions;
};

const inputSchema = z.union([
  z.string().min(1),
  z.object({ prompt: z.string().min(1), options: z.unknown().optional() }).strict(),
  z.object({ messages: z.array(z.looseObject({ role: z.string() })).min(1), options: z.unknown().optional() }).strict(),
]);

/**
 * A service with one handler, `run`, that answers with `agent.generate()`. With `continueAsNew` it has a second one,
 * `continue`, which only the service itself can call.
 *
 * @example
 * ```ts
 * export const weatherService = agentService("WeatherAgent", weatherAgent);
 * export const researcher = agentService("Researcher", researchAgent, {
 *   continueAsNew: { steps: 50, compact: keepLastMessages(40) },
 * });
 * ```
 *
 * @throws DefinitionError when `continueAsNew` is wrong.
 * @throws InvalidInputError (400) when called with something that is neither a prompt nor messages.
 */
export function agentService<
  const NAME extends string,
  CALL_OPTIONS,
  TOOLS extends ToolSet,
  RUNTIME_CONTEXT extends Record<string, unknown>,
  OUTPUT extends Output.Output<unknown, unknown, unknown>,
>(
  name: NAME,
  agent: RestateAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>,
  { continueAsNew, ...options }: AgentServiceOptions = {},
): ServiceDefinition<NAME, AgentHandlers<CALL_OPTIONS, OUTPUT>> {
  const hasOutput = setting(agent, "output") !== undefined;
  const generate: Generate = async (parameters, call, segment) => {
    const given: object = {
      ...parameters,
      [EXTRAS]: call satisfies RunExtras,
      ...(segment === undefined ? {} : { [SEGMENT]: segment }),
    };
    const result = await agent.generate(given as Parameters<typeof agent.generate>[0]);
    if (segment?.handover !== undefined) return undefined;
    return hasOutput ? result.output : result.text;
  };
  // An output that cannot be read is the run's failure, however well the run ended.
  const whole: Generate = hasOutput ? (...all) => withRollback(() => generate(...all)) : generate;
  const own = continueAsNew === undefined ? single(name, whole) : chained(name, agent, continueAsNew, generate);
  return service({ name, handlers: own, options }) as ServiceDefinition<NAME, AgentHandlers<CALL_OPTIONS, OUTPUT>>;
}

type Generate = (parameters: object, call: Delegation, segment?: Segment) => Promise<unknown>;
type Run = (context: Context, input: unknown) => Promise<unknown>;

function single(service: string, generate: Generate): { readonly run: Run } {
  return {
    run: async (context, input) =>
      delegated(context, async (call) => generate({ ...parametersOf(service, input), [LAST_ACT]: true }, call)),
  };
}

/** The handlers of a service whose runs may take several invocations. */
function chained(
  service: string,
  agent: { readonly name: string },
  options: ContinueAsNewOptions,
  generate: Generate,
): { readonly run: Run; readonly [CONTINUE]: unknown } {
  const keepsPrompt = setting(agent, "prepareCall") !== undefined;
  const chain = new SegmentChain({
    service,
    agent: agent.name,
    keepsPrompt,
    options,
    marker: markerOf(agent),
    generate,
  });
  return {
    run: async (context, input) =>
      delegated(context, async (call) => chain.start(context, parametersOf(service, input), call)),
    [CONTINUE]: handlers.handler(CONTINUE_HANDLER_OPTIONS, async (context: Context, bytes: Uint8Array) =>
      delegated(context, async (call) => chain.resume(context, bytes, call)),
    ),
  };
}

/** The parameters of `generate()`. */
function parametersOf(service: string, input: unknown): object {
  const parsed = inputSchema.safeParse(input);
  if (!parsed.success) {
    throw new InvalidInputError(
      `Cannot run ${service}: pass a prompt, or { prompt } or { messages }: ${z.prettifyError(parsed.error)}`,
    );
  }
  return typeof input === "string" ? { prompt: input } : (input as object);
}

function setting(agent: object, name: string): unknown {
  return (agent as { readonly settings?: Readonly<Record<string, unknown>> }).settings?.[name];
}
