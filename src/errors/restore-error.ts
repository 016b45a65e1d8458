/** Rebuilds an error of this library from the failure that the journal kept of it. */
import { z } from "zod";
import { TerminalError } from "../restate.ts";
import { AbortedError } from "./aborted-error.ts";
import { EdgeAgentError, ERROR_METADATA_KEY } from "./edge-agent-error.ts";
import { InsideStepError } from "./inside-step-error.ts";
import { ModelCallError } from "./model-call-error.ts";
import { OutsideHandlerError } from "./outside-handler-error.ts";
import { RunTimeoutError } from "./run-timeout-error.ts";
import { ToolTimeoutError } from "./tool-timeout-error.ts";
import { UnserializableValueError } from "./unserializable-value-error.ts";

const text = z.string();
const modelCall = z.object({
  provider: text,
  modelId: text,
  reason: text,
  statusCode: z.number().optional(),
  host: text.optional(),
});

type Fields = Readonly<Record<string, unknown>>;

/** One row per error that can be raised inside a step. */
const REBUILD: Readonly<Record<string, (fields: Fields) => EdgeAgentError>> = {
  aborted: ({ step }) => new AbortedError(text.parse(step)),
  "inside-step": ({ what, step }) => new InsideStepError(text.parse(what), text.parse(step)),
  "model-call-failed": (fields) => new ModelCallError(withoutUndefined(modelCall.parse(fields))),
  "outside-handler": ({ what }) => new OutsideHandlerError(text.parse(what)),
  "run-timeout": ({ run, timeoutMs }) => new RunTimeoutError(text.parse(run), z.number().parse(timeoutMs)),
  "tool-timeout": ({ toolName, timeoutMs }) => new ToolTimeoutError(text.parse(toolName), z.number().parse(timeoutMs)),
  "unserializable-value": ({ problem, path, step }) =>
    new UnserializableValueError(text.parse(problem), text.parse(path), text.optional().parse(step)),
};

const metadataSchema = z.object({ errorCode: text, fields: z.record(text, z.unknown()) });

/**
 * The error that was raised before it went through the journal: same class, same fields. Errors of others are
 * returned as they are; an unknown code becomes a plain `EdgeAgentError`. Never throws.
 */
export function restoreError(error: unknown): unknown {
  if (!(error instanceof TerminalError) || EdgeAgentError.isInstance(error)) return error;
  const raw = error.metadata?.[ERROR_METADATA_KEY];
  if (raw === undefined) return error;
  try {
    const { errorCode, fields } = metadataSchema.parse(JSON.parse(raw));
    const rebuild = REBUILD[errorCode];
    if (rebuild !== undefined) return rebuild(fields);
    return new EdgeAgentError({ errorCode, fields, message: error.message, status: error.code });
  } catch {
    return error;
  }
}

function withoutUndefined<T extends z.infer<typeof modelCall>>(
  failure: T,
): {
  provider: string;
  modelId: string;
  reason: string;
  statusCode?: number;
  host?: string;
} {
  const { statusCode, host, ...rest } = failure;
  return { ...rest, ...(statusCode === undefined ? {} : { statusCode }), ...(host === undefined ? {} : { host }) };
}
