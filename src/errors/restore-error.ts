/**
 * Brings errors back from the journal. Restate stores a failure as code, message and metadata; the metadata holds
 * what is needed to build the same class with the same fields again, so code that looks at an error takes the same
 * path on replay (G2, G6).
 */
import { TerminalError } from "../restate.ts";
import { AbortedError } from "./aborted-error.ts";
import { AgentCancelledError } from "./agent-cancelled-error.ts";
import { AgentTimeoutError } from "./agent-timeout-error.ts";
import { BlobMissingError } from "./blob-missing-error.ts";
import { BudgetExceededError } from "./budget-exceeded-error.ts";
import { ClientToolError } from "./client-tool-error.ts";
import { DefinitionError } from "./definition-error.ts";
import { DownloadFailedError } from "./download-failed-error.ts";
import { EdgeAgentError, ERROR_METADATA_KEY } from "./edge-agent-error.ts";
import { ErrorFields } from "./error-fields.ts";
import { FallbackFailedError } from "./fallback-failed-error.ts";
import { InsideStepError } from "./inside-step-error.ts";
import { InvalidInputError } from "./invalid-input-error.ts";
import { JournalTooLargeError } from "./journal-too-large-error.ts";
import { McpRequestError } from "./mcp-request-error.ts";
import { McpUnauthorizedError } from "./mcp-unauthorized-error.ts";
import { ModelCallError } from "./model-call-error.ts";
import { OutsideHandlerError } from "./outside-handler-error.ts";
import { OutsideRollbackError } from "./outside-rollback-error.ts";
import { RaceFailedError } from "./race-failed-error.ts";
import { RedactionFailedError } from "./redaction-failed-error.ts";
import { RunTimeoutError } from "./run-timeout-error.ts";
import { ToolClashError } from "./tool-clash-error.ts";
import { ToolTimeoutError } from "./tool-timeout-error.ts";
import { UncaughtError } from "./uncaught-error.ts";
import { UnserializableValueError } from "./unserializable-value-error.ts";
import { WrongHandlerKindError } from "./wrong-handler-kind-error.ts";

type Restore = (fields: ErrorFields, message: string) => EdgeAgentError;

const RESTORE: Readonly<Record<string, Restore>> = {
  aborted: (fields) => new AbortedError(fields.string("step")),
  "agent-cancelled": (fields) => new AgentCancelledError(fields.string("target")),
  "agent-timeout": (fields) => new AgentTimeoutError(fields.string("target"), fields.number("timeoutMs")),
  "blob-missing": (fields) =>
    new BlobMissingError(fields.string("step"), fields.string("key"), fields.string("problem")),
  "budget-exceeded": (fields) =>
    new BudgetExceededError(fields.string("what"), {
      limit: fields.string("limit"),
      allowed: fields.number("allowed"),
      spent: fields.numbers("spent"),
    }),
  "client-tool-failed": (fields) => new ClientToolError(fields.string("toolName"), fields.string("problem")),
  "download-failed": (fields, message) =>
    new DownloadFailedError(fields.string("url"), message, fields.optionalNumber("statusCode")),
  "fallback-failed": (fields) =>
    new FallbackFailedError(
      fields.objects("models").map((model) => ({
        provider: model.string("provider"),
        modelId: model.string("modelId"),
        code: model.string("code"),
        reason: model.string("reason"),
      })),
    ),
  "inside-step": (fields) => new InsideStepError(fields.string("what"), fields.string("step")),
  "invalid-definition": (_, message) => new DefinitionError(message),
  "invalid-input": (_, message) => new InvalidInputError(message),
  "journal-too-large": (fields) =>
    new JournalTooLargeError(fields.string("step"), fields.number("bytes"), fields.number("maxBytes")),
  "mcp-request-failed": (fields) =>
    new McpRequestError({
      server: fields.string("server"),
      operation: fields.string("operation"),
      reason: fields.string("reason"),
      rpcCode: fields.optionalNumber("rpcCode"),
      statusCode: fields.optionalNumber("statusCode"),
    }),
  "mcp-unauthorized": (fields) =>
    new McpUnauthorizedError(fields.string("server"), fields.number("statusCode"), fields.string("detail")),
  "model-call-failed": (fields) => restoreModelCallError(fields),
  "outside-handler": (fields) => new OutsideHandlerError(fields.string("what")),
  "outside-rollback": () => new OutsideRollbackError(),
  "race-failed": (fields) => new RaceFailedError(fields.texts("failures")),
  "redaction-failed": (fields) => new RedactionFailedError(fields.string("what"), fields.string("problem")),
  "run-timeout": (fields) => new RunTimeoutError(fields.string("run"), fields.number("timeoutMs")),
  "tool-clash": (fields) =>
    new ToolClashError(fields.string("agent"), fields.string("toolName"), fields.string("one"), fields.string("other")),
  "tool-timeout": (fields) => new ToolTimeoutError(fields.string("toolName"), fields.number("timeoutMs")),
  "uncaught-error": (fields, message) => new UncaughtError(namedError(fields.string("name"), message)),
  "unserializable-value": (fields) =>
    new UnserializableValueError(fields.string("problem"), fields.string("path"), fields.optionalString("step")),
  "wrong-handler-kind": (fields) =>
    new WrongHandlerKindError(fields.string("what"), fields.string("kind"), fields.strings("allowed")),
};

/**
 * The error that was journaled, in its own class. Errors that are not this library's come back unchanged, and so
 * does one whose metadata cannot be read; an `errorCode` from a newer version gives an `EdgeAgentError`.
 */
export function restoreError(error: unknown): unknown {
  if (!(error instanceof TerminalError) || error instanceof EdgeAgentError) return error;
  const stored = readMetadata(error);
  if (stored === undefined) return error;
  const restored =
    restoreKnown(stored, error.message) ??
    new EdgeAgentError({ ...stored, message: error.message, status: error.code });
  // The journal's message wins: a newer version may word it differently.
  if (restored.message !== error.message) restored.message = error.message;
  // So do other things that the failure carries, such as the report of a rollback.
  return Object.assign(restored, { metadata: { ...error.metadata, ...restored.metadata } });
}

interface StoredError {
  readonly errorCode: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function readMetadata(error: TerminalError): StoredError | undefined {
  try {
    const parsed = JSON.parse(error.metadata?.[ERROR_METADATA_KEY] ?? "null") as Partial<StoredError> | null;
    const { errorCode, fields } = parsed ?? {};
    if (typeof errorCode !== "string" || typeof fields !== "object" || fields === null) return undefined;
    return { errorCode, fields };
  } catch {
    return undefined;
  }
}

function restoreKnown({ errorCode, fields }: StoredError, message: string): EdgeAgentError | undefined {
  if (!Object.hasOwn(RESTORE, errorCode)) return undefined;
  try {
    return RESTORE[errorCode]?.(new ErrorFields(fields), message);
  } catch {
    return undefined;
  }
}

function restoreModelCallError(fields: ErrorFields): ModelCallError {
  return new ModelCallError({
    provider: fields.optionalString("provider"),
    modelId: fields.optionalString("modelId"),
    statusCode: fields.optionalNumber("statusCode"),
    host: fields.optionalString("host"),
    reason: fields.string("reason"),
    providerCode: fields.optionalString("providerCode"),
    providerType: fields.optionalString("providerType"),
    errorName: fields.optionalString("errorName") ?? "AI_APICallError",
  });
}

function namedError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
