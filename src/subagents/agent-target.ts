/** Which handler of which service an agent is called at, and in which form it wants its input. */
import { DefinitionError } from "../errors/definition-error.ts";
import { sessionInfo } from "../session/session-info.ts";

/**
 * A service or virtual object to call: its definition, or its name alone when it is served elsewhere.
 *
 * @see remoteAgent
 */
export interface AgentReference {
  readonly name: string;
}

/** On a reference by name: what it refers to. */
const KIND: unique symbol = Symbol.for("restate-edge-agents.reference");

/** Options of `remoteAgent()`. */
export interface RemoteAgentOptions {
  /** `session`: made by `agentSession()`. Default `service`: a service, or another object. */
  readonly kind?: "service" | "session";
}

/**
 * Refers to an agent of another deployment by its name, with its type.
 *
 * @example
 * ```ts
 * import type { fraudService } from "fraud-team/agents"; // a type: nothing of it is bundled
 * const checkFraud = agentTool(remoteAgent<typeof fraudService>("FraudAgent"));
 * ```
 */
export function remoteAgent<DEFINITION extends AgentReference>(
  name: DEFINITION["name"],
  { kind = "service" }: RemoteAgentOptions = {},
): DEFINITION {
  // Of a definition only its name is used at run time, and its type here.
  return { name, [KIND]: kind } as unknown as DEFINITION;
}

/** A handler to call. */
export interface AgentTarget {
  readonly service: string;
  readonly handler: string;
  /** True when a key is needed; undefined: nobody knows. */
  readonly isKeyed: boolean | undefined;
  /** True when it is the `send` of a session. */
  readonly isSession: boolean;
}

/**
 * The handler `named` of `reference`. Default: `send` of a session, `run` of everything else.
 *
 * @throws DefinitionError when it has no such handler.
 */
export function agentTarget(reference: AgentReference, named?: string): AgentTarget {
  const { name } = reference;
  if (typeof name !== "string" || name === "") {
    throw new DefinitionError("Cannot call an agent: pass an agent, a service, an object, or remoteAgent(name)");
  }
  const session = sessionInfo(reference) !== undefined || (reference as { [KIND]?: unknown })[KIND] === "session";
  const handler = named ?? (session ? "send" : "run");
  const isKeyed = keyed(reference);
  const known = handlersOf(reference);
  if (known !== undefined && !Object.hasOwn(known, handler)) {
    const all = Object.keys(known).join(", ");
    throw new DefinitionError(`Cannot call ${name}: it has no handler "${handler}": choose one of ${all}`);
  }
  return { service: name, handler, isKeyed: session ? true : isKeyed, isSession: session && handler === "send" };
}

/** `<service>/<handler>`, or `<object>/<key>/<handler>`. */
export function targetName({ service, handler }: AgentTarget, key?: string): string {
  return [service, ...(key === undefined ? [] : [key]), handler].join("/");
}

interface Definition {
  readonly name: string;
  readonly service?: object;
  readonly object?: object;
  readonly workflow?: object;
}

function handlersOf(reference: Definition): object | undefined {
  return reference.service ?? reference.object ?? reference.workflow;
}

function keyed(reference: Definition): boolean | undefined {
  if (reference.object !== undefined || reference.workflow !== undefined) return true;
  return reference.service === undefined ? undefined : false;
}
