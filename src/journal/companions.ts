/** Services that come along with another one. */
import type { ServiceDefinition, VirtualObjectDefinition, WorkflowDefinition } from "../restate.ts";

/** On a definition: the services that it needs beside it. They are private. */
export const COMPANIONS: unique symbol = Symbol.for("restate-edge-agents.companions");

/** A service that another one brings along. */
export type Companion =
  | ServiceDefinition<string, unknown>
  | VirtualObjectDefinition<string, unknown>
  | WorkflowDefinition<string, unknown>;
