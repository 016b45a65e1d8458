/**
 * Tools whose step may end before the call does: something is needed first that no step may wait for, such as a person's
 * answer. It is got between steps, durably, and the call is made again, as a step of its own.
 */
import type { ToolExecutionOptions } from "ai";
import type { Place } from "../journal/ambient.ts";

/** On a tool: how its calls pause. */
export const PAUSING: unique symbol = Symbol.for("restate-edge-agents.pausing-tool") as never;

/** A call as it pauses. */
export interface PausedCall {
  readonly toolName: string;
  readonly toolCallId: string;
  readonly place: Place;
  /** What its step gave. */
  readonly output: unknown;
}

/** The next try of a call. */
export type NextTry = (input: unknown, options: ToolExecutionOptions<never>) => unknown;

/** How calls of a tool pause. One of these is made for each call. */
export interface Pausing {
  /** True for what a step gives when it needs something first. Called inside steps and between them. */
  isPaused(output: unknown): boolean;
  /** Gets what is needed; called between steps. */
  resume(call: PausedCall): PromiseLike<NextTry>;
}

/** How a call of `tool` pauses; undefined: it does not. */
export function pausingOf(tool: object): Pausing | undefined {
  return (tool as { readonly [PAUSING]?: () => Pausing })[PAUSING]?.();
}
