/** The tool call that code runs in. */
import type { Fiber } from "../journal/fiber.ts";

/** A call of a tool. */
export interface CallOfTool {
  readonly tool: string;
  readonly toolCallId: string;
}

/** The call that began at a fiber. */
const calls = new WeakMap<Fiber, CallOfTool>();

/** What runs in `fiber` is a part of `call`. */
export function enterCall(fiber: Fiber, call: CallOfTool): void {
  calls.set(fiber, call);
}

/** The call of the outermost agent that `fiber` is a part of; undefined: it is in no tool. */
export function outermostCall(fiber: Fiber): CallOfTool | undefined {
  let outermost: CallOfTool | undefined;
  for (let at: Fiber | undefined = fiber; at !== undefined; at = at.parent) outermost = calls.get(at) ?? outermost;
  return outermost;
}
