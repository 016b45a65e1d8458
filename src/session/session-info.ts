/** How routes recognise a session among services, and reach what belongs to it. */
import type { StreamStore } from "../stream/stream-store.ts";

/** On a definition that `agentSession()` made: what belongs to it. */
export const SESSION: unique symbol = Symbol.for("restate-edge-agents.session");

/** What belongs to a session's service. */
export interface SessionInfo {
  /** Name of the service. */
  readonly name: string;
  /** Where the streams of its turns are; undefined when it has none. */
  readonly streams: StreamStore | undefined;
  /** The object that keeps its approvals. */
  readonly approvals: { readonly name: string };
  /** The object that keeps the tool calls that wait for the client; undefined: there are none. */
  readonly clientCalls: { readonly name: string } | undefined;
  /** False when messages cannot be added to a running turn: `steer` makes a turn of each. */
  readonly steering: boolean;
}

/** What belongs to the session that `service` is; undefined when it is none. */
export function sessionInfo(service: object): SessionInfo | undefined {
  return (service as { readonly [SESSION]?: SessionInfo })[SESSION];
}

/** The stream of a turn. */
export function streamIdOf(service: string, key: string, turn: string): string {
  return `${service}/${key}/${turn}`;
}

/** The id of a turn's assistant message: also the `messageId` of its stream. */
export function answerIdOf(turn: string): string {
  return `${turn}-answer`;
}
