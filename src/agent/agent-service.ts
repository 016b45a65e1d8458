/** One-liner: an agent as a Restate service. */
import type { ModelMessage, Output, ToolSet } from "ai";
import { z } from "zod";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { service } from "../journal/handlers.ts";
import type { Context, ServiceDefinition, ServiceOptions } from "../restate.ts";
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

const inputSchema = z.union([
  z.string().min(1),
  z.object({ prompt: z.string().min(1), options: z.unknown().optional() }).strict(),
  z.object({ messages: z.array(z.looseObject({ role: z.string() })).min(1), options: z.unknown().optional() }).strict(),
]);

/**
 * A service with one handler, `run`.
 *
 * @example
 * ```ts
 * export const weatherService = agentService("WeatherAgent", weatherAgent);
 * ```
 *
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
  options: ServiceOptions = {},
): ServiceDefinition<NAME, AgentHandlers<CALL_OPTIONS, OUTPUT>> {
  const run = async (_context: Context, input: unknown): Promise<unknown> => {
    const parsed = inputSchema.safeParse(input);
    if (!parsed.success) {
      throw new InvalidInputError(
        `Cannot run ${name}: pass a prompt, or { prompt } or { messages }: ${z.prettifyError(parsed.error)}`,
      );
    }
    const parameters = typeof input === "string" ? { prompt: input } : input;
    const result = await agent.generate(parameters as Parameters<typeof agent.generate>[0]);
    return hasOutput(agent) ? result.output : result.text;
  };
  return service({ name, handlers: { run }, options }) as ServiceDefinition<NAME, AgentHandlers<CALL_OPTIONS, OUTPUT>>;
}

function hasOutput(agent: object): boolean {
  return (agent as { readonly settings?: { readonly output?: unknown } }).settings?.output !== undefined;
}
