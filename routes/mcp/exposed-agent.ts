/** What an agent is as a tool of an MCP server. */
import { z } from "zod";
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";
import { DefinitionError } from "../../src/errors/definition-error.ts";
import { sessionInfo } from "../../src/session/session-info.ts";
import { shapeOf } from "../operations/service-shape.ts";

/** An agent, and how clients see it. */
export interface McpAgent {
  readonly service: AnyService;
  /** The tool's name. Default: the service's; with a `handler`, also that. */
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  /** Tells a model when to use it. */
  readonly description?: string | undefined;
  /** The handler that is called. Default: `run`. A session takes none: its turns are called. */
  readonly handler?: string | undefined;
  /** What the handler takes, an object. Default: `{ prompt }`, of which the handler gets the text. */
  readonly input?: z.ZodObject | undefined;
  /** True when it changes nothing anywhere. Default: nothing is said. */
  readonly readOnly?: boolean | undefined;
}

/** A tool. */
export interface ExposedAgent {
  readonly definition: AnyService;
  readonly name: string;
  readonly title: string | undefined;
  readonly description: string;
  readonly readOnly: boolean | undefined;
  readonly handler: string;
  readonly input: z.ZodObject;
  /** Whether it belongs to a conversation, which the input names. */
  readonly isSession: boolean;
  /** What the handler gets. */
  readonly bodyOf: (input: Readonly<Record<string, unknown>>) => unknown;
}

/** The tool that waits for a run whose own tool has answered that it goes on. */
export const RESULT_TOOL = "get_result";

const promptInput = z.object({ prompt: z.string().min(1).describe("What is asked of the agent") });

const sessionInput = z.object({
  conversation: z
    .string()
    .min(1)
    .max(512)
    .describe("Names the conversation. With the same name the agent remembers what was said"),
  message: z.string().min(1).describe("What is said to the agent"),
});

const NAME = /^[\w.-]{1,128}$/;

/** @throws DefinitionError */
export function exposedAgents(agents: readonly (AnyService | McpAgent)[]): readonly ExposedAgent[] {
  const exposed = agents.map((agent) => exposedAgent(isMcpAgent(agent) ? agent : { service: agent }));
  const names = new Set<string>([RESULT_TOOL]);
  for (const { name } of exposed) {
    if (!NAME.test(name)) throw new DefinitionError(`Cannot serve "${name}" over MCP: it is no name of a tool`);
    if (names.has(name)) throw new DefinitionError(`Cannot serve two tools "${name}" over MCP: give one a "name"`);
    names.add(name);
  }
  for (const agent of exposed) checkCallable(agent);
  return exposed;
}

/** What would answer every call with "not found" is found out here. */
function checkCallable({ definition, name, handler, isSession }: ExposedAgent): void {
  const { kind, handlers } = shapeOf(definition);
  if (isSession || (kind === "Service" && handlers.has(handler))) return;
  const why =
    kind === "Service"
      ? `${definition.name} has no handler "${handler}"`
      : "of objects, only turns of sessions are called";
  throw new DefinitionError(`Cannot serve "${name}" over MCP: ${why}`);
}

/** A definition of the SDK's has a `service`, too: its handlers. */
function isMcpAgent(agent: AnyService | McpAgent): agent is McpAgent {
  return "service" in agent && "name" in agent.service && typeof agent.service.name === "string";
}

function exposedAgent({ service, handler, input, readOnly, ...rest }: McpAgent): ExposedAgent {
  const isSession = sessionInfo(service) !== undefined && handler === undefined;
  const name = rest.name ?? (handler === undefined ? service.name : `${service.name}_${handler}`);
  const shared = { definition: service, name, title: rest.title, readOnly, isSession };
  if (isSession) {
    const description = rest.description ?? `Talks to the agent ${service.name}.`;
    const bodyOf: ExposedAgent["bodyOf"] = ({ message }) => ({ message });
    return { ...shared, description, handler: "send", input: sessionInput, bodyOf };
  }
  const description = rest.description ?? `Asks the agent ${service.name}.`;
  const bodyOf: ExposedAgent["bodyOf"] = input === undefined ? ({ prompt }) => prompt : (given) => given;
  return { ...shared, description, handler: handler ?? "run", input: input ?? promptInput, bodyOf };
}
