import { AISDKError, APICallError } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { AbortedError } from "../../../src/errors/aborted-error.ts";
import { AgentCancelledError } from "../../../src/errors/agent-cancelled-error.ts";
import { AgentTimeoutError } from "../../../src/errors/agent-timeout-error.ts";
import { BudgetExceededError } from "../../../src/errors/budget-exceeded-error.ts";
import { DefinitionError } from "../../../src/errors/definition-error.ts";
import { DownloadFailedError } from "../../../src/errors/download-failed-error.ts";
import { EdgeAgentError, ERROR_METADATA_KEY } from "../../../src/errors/edge-agent-error.ts";
import { InsideStepError } from "../../../src/errors/inside-step-error.ts";
import { InvalidInputError } from "../../../src/errors/invalid-input-error.ts";
import { ModelCallError } from "../../../src/errors/model-call-error.ts";
import { OutsideHandlerError } from "../../../src/errors/outside-handler-error.ts";
import { RaceFailedError } from "../../../src/errors/race-failed-error.ts";
import { restoreError } from "../../../src/errors/restore-error.ts";
import { RedactionFailedError } from "../../../src/errors/redaction-failed-error.ts";
import { RunTimeoutError } from "../../../src/errors/run-timeout-error.ts";
import { McpRequestError } from "../../../src/errors/mcp-request-error.ts";
import { McpUnauthorizedError } from "../../../src/errors/mcp-unauthorized-error.ts";
import { ToolClashError } from "../../../src/errors/tool-clash-error.ts";
import { ToolTimeoutError } from "../../../src/errors/tool-timeout-error.ts";
import { UncaughtError } from "../../../src/errors/uncaught-error.ts";
import { UnserializableValueError } from "../../../src/errors/unserializable-value-error.ts";
import { WrongHandlerKindError } from "../../../src/errors/wrong-handler-kind-error.ts";
import { TerminalError } from "../../../src/restate.ts";

const refused = {
  provider: "p",
  modelId: "m",
  statusCode: 401,
  host: "h.test",
  reason: "no",
  providerCode: "c",
  providerType: "t",
  errorName: "AI_APICallError",
};
const ERRORS: [EdgeAgentError, string, number][] = [
  [new AgentCancelledError("Weather/run"), "agent-cancelled", 409],
  [new AgentTimeoutError("Weather/run", 5), "agent-timeout", 408],
  [new AbortedError("step 1", "stop"), "aborted", 499],
  [
    new BudgetExceededError('run "weather"', { limit: "steps", allowed: 3, spent: { steps: 3, totalTokens: 45 } }),
    "budget-exceeded",
    402,
  ],
  [new DefinitionError("wrong"), "invalid-definition", 500],
  [new DownloadFailedError("https://x.test/a", "status 404", 404), "download-failed", 500],
  [new InsideStepError("restateContext()", "step 1"), "inside-step", 500],
  [new InvalidInputError("no prompt"), "invalid-input", 400],
  [new ModelCallError(refused), "model-call-failed", 500],
  [new ModelCallError({ reason: "no key", errorName: "AI_LoadAPIKeyError" }), "model-call-failed", 500],
  [new OutsideHandlerError("restateContext()"), "outside-handler", 500],
  [new RaceFailedError({ a: "no", b: "late" }), "race-failed", 500],
  [new RedactionFailedError("what tool charge gave", "threw TypeError"), "redaction-failed", 500],
  [new RunTimeoutError("weather", 5), "run-timeout", 408],
  [new ToolTimeoutError("search", 5), "tool-timeout", 408],
  [
    new McpRequestError({ server: "files", operation: "tools/call x", reason: "no", rpcCode: -32_602 }),
    "mcp-request-failed",
    500,
  ],
  [new McpUnauthorizedError("files", 401, "no token"), "mcp-unauthorized", 500],
  [new ToolClashError("clerk", "search", "the agent", 'MCP server "files"'), "tool-clash", 500],
  [new UncaughtError(new TypeError("x")), "uncaught-error", 500],
  [new UnserializableValueError("a function", "$.a", "step 1"), "unserializable-value", 500],
  [new WrongHandlerKindError("restateObjectContext()", "service", ["object"]), "wrong-handler-kind", 500],
];

/** What Restate keeps of an error. */
const throughJournal = ({ message, code, metadata }: TerminalError): unknown =>
  restoreError(
    new TerminalError(message, {
      errorCode: code,
      metadata: JSON.parse(JSON.stringify(metadata)) as Record<string, string>,
    }),
  );

describe("restoreError", () => {
  it.each(ERRORS)("%s comes back with its class, code, message and fields", (error, errorCode, status) => {
    const restored = throughJournal(error) as EdgeAgentError;
    expect(restored).toBeInstanceOf(error.constructor);
    expect(restored).toMatchObject({
      name: error.name,
      errorCode,
      code: status,
      message: error.message,
      fields: error.fields,
    });
    const own = Object.fromEntries(Object.entries(error).filter(([name]) => name !== "cause"));
    expect(restored).toMatchObject(own);
  });

  it("tells the classes apart by errorCode", () => {
    for (const [error] of ERRORS) {
      for (const [other, errorCode] of ERRORS) {
        expect((other.constructor as typeof EdgeAgentError).isInstance(error)).toBe(error.errorCode === errorCode);
      }
      expect(EdgeAgentError.isInstance(error)).toBe(true);
    }
  });

  it("rebuilds a model call's cause", () => {
    const { cause } = throughJournal(new ModelCallError(refused)) as ModelCallError;
    expect(APICallError.isInstance(cause)).toBe(true);
    expect(cause).toMatchObject({ statusCode: 401, isRetryable: false, message: "no" });
    const unset = throughJournal(
      new ModelCallError({ reason: "no key", errorName: "AI_LoadAPIKeyError" }),
    ) as ModelCallError;
    expect(AISDKError.isInstance(unset.cause) && unset.cause.name).toBe("AI_LoadAPIKeyError");
  });

  it("gives an EdgeAgentError for a code from a newer version", () => {
    const restored = throughJournal(
      new EdgeAgentError({ errorCode: "from-tomorrow", message: "m", status: 418, fields: { a: 1 } }),
    );
    expect(restored).toMatchObject({ errorCode: "from-tomorrow", code: 418, fields: { a: 1 }, message: "m" });
  });

  it("leaves foreign errors alone", () => {
    for (const error of [
      new TerminalError("t"),
      new TerminalError("t", { metadata: { other: "{}" } }),
      new Error("e"),
      "text",
      undefined,
    ]) {
      expect(restoreError(error)).toBe(error);
    }
  });

  it.each([
    "{",
    "null",
    "1",
    "[]",
    "{}",
    '{"errorCode":1,"fields":{}}',
    '{"errorCode":"aborted"}',
    '{"errorCode":"aborted","fields":null}',
  ])("returns an error with the metadata %s as it is", (json) => {
    const error = new TerminalError("m", { metadata: { [ERROR_METADATA_KEY]: json } });
    expect(restoreError(error)).toBe(error);
  });

  it.each([
    ["toString", {}],
    ["__proto__", {}],
    ["aborted", { step: 1 }],
    ["model-call-failed", {}],
  ])("never throws: %s %j", (errorCode, fields) => {
    const error = new TerminalError("m", { metadata: { [ERROR_METADATA_KEY]: JSON.stringify({ errorCode, fields }) } });
    expect(restoreError(error)).toMatchObject({ message: "m", errorCode });
  });
});
