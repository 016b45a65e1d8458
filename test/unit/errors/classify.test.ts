import { createServer } from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, InvalidPromptError, LoadAPIKeyError, RetryError } from "ai";
import { describe, expect, test } from "vitest";
import { classifyFailure } from "../../../src/errors/classify.ts";
import { ModelCallError } from "../../../src/errors/model-call-error.ts";
import { restoreError } from "../../../src/errors/restore-error.ts";
import { retryAfterMs } from "../../../src/errors/retry-after.ts";
import { CancelledError, RetryableError, TerminalError } from "../../../src/restate.ts";

const context = { what: "a model 1", provider: "openai.responses", modelId: "gpt-test" };
const apiError = (statusCode: number, responseHeaders: Record<string, string> = {}): APICallError =>
  new APICallError({
    message: "the provider's words",
    url: "https://api.test/v1?key=secret",
    requestBodyValues: { prompt: "secret" },
    statusCode,
    responseHeaders,
    responseBody: "secret",
  });

describe("a provider's answer", () => {
  test.each([400, 401, 403, 404, 405, 410, 413, 422])("%i is terminal", (status) => {
    const error = classifyFailure(apiError(status), context);
    expect(error).toBeInstanceOf(ModelCallError);
    expect(error.message).toBe(`Model call failed: openai.responses gpt-test answered ${status}: the provider's words`);
  });

  test.each([408, 409, 425, 429, 500, 502, 503, 529])("%i is retried", (status) => {
    expect(classifyFailure(apiError(status), context)).toBeInstanceOf(RetryableError);
  });

  test("retry-after is kept", () => {
    expect(classifyFailure(apiError(429, { "Retry-After": "7" }), context)).toMatchObject({ retryAfter: 7_000 });
  });

  test("nothing of the request reaches the error", () => {
    expect(JSON.stringify(classifyFailure(apiError(401), context))).not.toContain("secret");
    expect(classifyFailure(apiError(401), context).message).not.toContain("secret");
  });
});

test.each([
  ["7", 7_000],
  ["0", 0],
  ["-3", 0],
  ["999999", 3_600_000],
  [new Date(Date.now() + 60_000).toUTCString(), 60_000],
  ["soon", undefined],
  ["", undefined],
])("retry-after %j is %s ms", (value, ms) => {
  const found = retryAfterMs({ "retry-after": value });
  if (ms === undefined) expect(found).toBeUndefined();
  else expect(Math.abs((found ?? 0) - ms)).toBeLessThan(2_000);
});

test("retry-after-ms comes first", () => {
  expect(retryAfterMs({ "retry-after-ms": "250", "retry-after": "9" })).toBe(250);
});

test.each([
  ["a missing key", new LoadAPIKeyError({ message: "no key" })],
  ["an invalid prompt", new InvalidPromptError({ prompt: "x", message: "bad prompt" })],
])("%s is terminal", (_, error) => {
  expect(classifyFailure(error, context)).toBeInstanceOf(ModelCallError);
});

test.each([
  ["a timeout", new DOMException("too slow", "TimeoutError")],
  ["an abort", new DOMException("gone", "AbortError")],
  ["a network failure", new TypeError("fetch failed")],
  ["anything unexpected", new Error("what?")],
  ["something that is no error", "just words"],
  [
    "an object whose properties throw",
    Object.defineProperty({}, "message", {
      get: () => {
        throw new Error("no");
      },
    }),
  ],
])("%s is retried", (_, error) => {
  const judged = classifyFailure(error, context);
  expect(judged).toBeInstanceOf(Error);
  expect(judged).not.toBeInstanceOf(TerminalError);
});

test("terminal errors stay what they are, also those of another SDK copy", () => {
  const terminal = new TerminalError("no", { errorCode: 418 });
  expect(classifyFailure(terminal, context)).toBe(terminal);
  expect(classifyFailure(new CancelledError(), context)).toBeInstanceOf(CancelledError);
  const foreign = Object.assign(new Error("from elsewhere"), { name: "TerminalError", code: 409 });
  expect(classifyFailure(foreign, context)).toMatchObject({ name: "TerminalError", code: 409 });
});

test("a RetryError is judged by its last error", () => {
  const error = new RetryError({
    message: "gave up",
    reason: "maxRetriesExceeded",
    errors: [apiError(500), apiError(401)],
  });
  expect(classifyFailure(error, context)).toBeInstanceOf(ModelCallError);
});

test("an error restored from the journal has its class, fields and cause", () => {
  const error = classifyFailure(apiError(401), context) as ModelCallError;
  const stored = new TerminalError(error.message, { errorCode: error.code, metadata: error.metadata ?? {} });
  const restored = restoreError(stored) as ModelCallError;
  expect(restored).toBeInstanceOf(ModelCallError);
  expect(restored).toMatchObject({ message: error.message, statusCode: 401, provider: "openai.responses", code: 500 });
  expect(APICallError.isInstance(restored.cause)).toBe(true);
});

test.each(["no json", "{}", '{"errorCode":7}', '{"errorCode":"model-call-failed","fields":{}}'])(
  "metadata that is not ours (%s) never throws",
  (raw) => {
    const stored = new TerminalError("x", { metadata: { "restate-edge-agents": raw } });
    expect(restoreError(stored)).toBe(stored);
  },
);

describe("the real provider", () => {
  const ask = async (baseURL: string): Promise<Error> => {
    const model = createOpenAI({ baseURL, apiKey: "test" })("gpt-test");
    const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "hi" }] }];
    return classifyFailure(
      await model.doGenerate({ prompt }).then(
        () => "answered",
        (error: unknown) => error,
      ),
      context,
    );
  };

  test("a refused connection is retried", async () => {
    const judged = await ask("http://127.0.0.1:1/v1");
    expect(judged).not.toBeInstanceOf(TerminalError);
    expect(judged.message).toContain("openai.responses gpt-test");
  });

  test("an answer that does not parse is retried", async () => {
    const server = createServer((_, response) => response.end("<html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    expect(await ask(`http://127.0.0.1:${port}/v1`)).not.toBeInstanceOf(TerminalError);
    server.close();
  });
});
