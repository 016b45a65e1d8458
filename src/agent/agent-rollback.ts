/** How the tools of an agent are undone, for who runs the agent in several invocations. */
import type { OnRollbackFailed } from "../tools/rollback/rollback-scope.ts";
import type { ToolRollback } from "../tools/rollback/tool-rollback.ts";
import type { RestateAgentOptions } from "./agent-options.ts";

/** See the head of this file. */
export interface AgentRollback {
  readonly toolOptions: Readonly<Record<string, ToolRollback | undefined>>;
  readonly onRollbackFailed: OnRollbackFailed | undefined;
}

const known = new WeakMap<object, AgentRollback>();

/** Remembers it of a new agent. */
export function keepAgentRollback(agent: object, options: RestateAgentOptions): void {
  const { toolOptions = {}, onRollbackFailed } = options;
  known.set(agent, { toolOptions, onRollbackFailed });
}

export function agentRollback(agent: object): AgentRollback {
  return known.get(agent) ?? { toolOptions: {}, onRollbackFailed: undefined };
}
