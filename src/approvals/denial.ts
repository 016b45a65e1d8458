/**
 * What stands in for the result of a tool that was refused. The model gets the AI SDK's `execution-denied`; who reads the
 * run's steps sees an object of that form as the tool's output.
 */
import type { Tool } from "ai";

const DENIAL: unique symbol = Symbol("restate-edge-agents.denial");

/** The output of a tool call that was refused. */
export interface Denial {
  readonly type: "execution-denied";
  readonly reason?: string | undefined;
}

/** Marked by a symbol: a tool's own output cannot pass for one. */
export function denial(reason: string | undefined): Denial {
  const output: Denial = { type: "execution-denied", ...(reason === undefined || reason === "" ? {} : { reason }) };
  Object.defineProperty(output, DENIAL, { value: true });
  return output;
}

export function isDenial(output: unknown): output is Denial {
  return typeof output === "object" && output !== null && DENIAL in output;
}

type ToModelOutput = NonNullable<Tool["toModelOutput"]>;

/** The tool, whose refusals are told to the model as the AI SDK does it, and which asks nobody by itself. */
export function withDenials(tool: Tool): Tool {
  const own = tool.toModelOutput;
  const toModelOutput: ToModelOutput = (result) => {
    const output: unknown = result.output;
    if (isDenial(output)) {
      return { type: output.type, ...(output.reason === undefined ? {} : { reason: output.reason }) };
    }
    if (own !== undefined) return own.call(tool, result);
    return typeof output === "string" ? { type: "text", value: output } : { type: "json", value: jsonOf(output) };
  };
  const { needsApproval: _needsApproval, ...rest } = tool;
  return { ...rest, toModelOutput };
}

type JsonOutput = Extract<Awaited<ReturnType<ToModelOutput>>, { readonly type: "json" }>["value"];

/** As the AI SDK does it. */
function jsonOf(output: unknown): JsonOutput {
  const text = output === undefined ? undefined : (JSON.stringify(output) as string | undefined);
  return text === undefined ? null : (JSON.parse(text) as JsonOutput);
}
