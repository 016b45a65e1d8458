import { APICallError } from "@ai-sdk/provider";
import {
  DownloadError,
  EmptyResponseBodyError,
  InvalidPromptError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  LoadSettingError,
  NoContentGeneratedError,
  NoSuchModelError,
  NoSuchProviderReferenceError,
  RetryError,
  StreamProviderError,
  TypeValidationError,
  UnsupportedFunctionalityError,
  UnsupportedModelVersionError,
} from "ai";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { classifyFailure } from "../../../src/errors/classify.ts";
import { DownloadFailedError } from "../../../src/errors/download-failed-error.ts";
import { ModelCallError } from "../../../src/errors/model-call-error.ts";
import { ToolTimeoutError } from "../../../src/errors/tool-timeout-error.ts";
import { CancelledError, RetryableError, TerminalError, TimeoutError } from "../../../src/restate.ts";

const CALL = {
  what: "agent model 1",
  provider: "openai.responses",
  modelId: "gpt-5.2",
  now: () => Date.parse("2026-11-23T10:00:00Z"),
};
const TOOL = { what: "agent tool search c1" };

type Answer = Partial<ConstructorParameters<typeof APICallError>[0]>;
const answer = (statusCode: number | undefined, extra: Answer = {}): APICallError =>
  new APICallError({
    message: "no",
    url: "https://api.openai.com/v1/responses?key=SECRET",
    requestBodyValues: { input: "THE PROMPT" },
    responseBody: '{"error":{"message":"no","code":"the_code","type":"the_type"}}',
    ...(statusCode === undefined ? {} : { statusCode }),
    ...extra,
  });
const delayMs = (error: Error): number | undefined => {
  const { retryAfter } = error as RetryableError;
  return typeof retryAfter === "number" ? retryAfter : retryAfter?.milliseconds;
};
const isTransient = (error: Error): boolean => !(error instanceof TerminalError);

describe("a provider's answer", () => {
  it.each([400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 451])("%i is terminal", (status) => {
    const error = classifyFailure(answer(status), CALL);
    expect(error).toBeInstanceOf(ModelCallError);
    expect(error).toMatchObject({
      provider: "openai.responses",
      modelId: "gpt-5.2",
      statusCode: status,
      host: "api.openai.com",
      providerCode: "the_code",
      providerType: "the_type",
      isRetryable: false,
    });
    expect(error.message).toBe(`Model call failed: openai.responses gpt-5.2 answered ${status}: no`);
    expect(APICallError.isInstance(error.cause)).toBe(true);
  });

  it.each([408, 409, 425, 429, 500, 502, 503, 504, 529, undefined, 200])("%s is retried", (status) => {
    expect(classifyFailure(answer(status), CALL)).toBeInstanceOf(RetryableError);
  });

  it.each([
    [{ "retry-after": "7" }, 7_000],
    [{ "Retry-After": "0.5" }, 500],
    [{ "retry-after": "Mon, 23 Nov 2026 10:00:30 GMT" }, 30_000],
    [{ "retry-after": "Mon, 23 Nov 2026 09:00:00 GMT" }, 0],
    [{ "retry-after": "99999" }, 3_600_000],
    [{ "retry-after": "7", "retry-after-ms": "1200" }, 1_200],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ] as [Record<string, string>, number | undefined][])("429 with %j waits %s ms", (responseHeaders, ms) => {
    expect(delayMs(classifyFailure(answer(429, { responseHeaders }), CALL))).toBe(ms);
  });

  it("marked as retryable is believed", () => {
    expect(classifyFailure(answer(400, { isRetryable: true }), CALL)).toBeInstanceOf(RetryableError);
  });

  it("leaves no body, header, query or key behind, also in causes, which the SDK logs", () => {
    for (const status of [401, 503, undefined]) {
      const error = classifyFailure(
        answer(status, { message: "bad key sk-abcdefghijklmnop1234", responseHeaders: { "set-cookie": "COOKIE" } }),
        CALL,
      );
      expect(inspect(error, { depth: 10 })).not.toMatch(/THE PROMPT|SECRET|COOKIE|sk-abc/);
    }
  });

  it("with an endless message is bounded", () => {
    expect(classifyFailure(answer(400, { message: "x".repeat(100_000) }), CALL).message.length).toBeLessThan(2_200);
  });

  it("through the gateway is judged the same", () => {
    const gateway = (statusCode: number): Error => {
      const error = Object.assign(new Error("no"), {
        name: "GatewayError",
        type: "t",
        statusCode,
        cause: answer(statusCode, { responseHeaders: { "retry-after": "7" } }),
      });
      return Object.defineProperty(error, Symbol.for("vercel.ai.gateway.error"), { value: true });
    };
    expect(classifyFailure(gateway(401), CALL)).toMatchObject({
      errorCode: "model-call-failed",
      statusCode: 401,
      providerType: "t",
    });
    expect(delayMs(classifyFailure(gateway(429), CALL))).toBe(7_000);
  });

  it("as an error part of a stream is judged the same", () => {
    expect(classifyFailure(new StreamProviderError({ message: "m", statusCode: 400 }), CALL)).toBeInstanceOf(
      ModelCallError,
    );
    expect(classifyFailure(new StreamProviderError({ message: "m", statusCode: 529 }), CALL)).toBeInstanceOf(
      RetryableError,
    );
    expect(classifyFailure(new StreamProviderError({ message: "m" }), CALL)).toBeInstanceOf(RetryableError);
  });

  it("inside the AI SDK's RetryError is found", () => {
    const wrap = (error: unknown): RetryError =>
      new RetryError({ message: "r", reason: "maxRetriesExceeded", errors: [error] });
    expect(classifyFailure(wrap(wrap(answer(401))), CALL)).toBeInstanceOf(ModelCallError);
    expect(classifyFailure(wrap(answer(503)), CALL)).toBeInstanceOf(RetryableError);
  });
});

describe("other errors of the AI SDK", () => {
  it.each([
    new InvalidPromptError({ prompt: "p", message: "m" }),
    new LoadAPIKeyError({ message: "OPENAI_API_KEY is missing" }),
    new LoadSettingError({ message: "m" }),
    new NoSuchModelError({ modelId: "m", modelType: "languageModel" }),
    new NoSuchProviderReferenceError({ provider: "openai", reference: {} as never }),
    new UnsupportedFunctionalityError({ functionality: "f" }),
    new UnsupportedModelVersionError({ version: "v1", provider: "p", modelId: "m" }),
  ])("$name is terminal", (error) => {
    expect(classifyFailure(error, CALL)).toMatchObject({
      errorCode: "model-call-failed",
      statusCode: undefined,
      errorName: error.name,
    });
  });

  it.each([
    new JSONParseError({ text: "{", cause: new Error("c") }),
    new TypeValidationError({ value: 1, cause: new Error("c") }),
    new InvalidResponseDataError({ data: {} }),
    new EmptyResponseBodyError(),
    new NoContentGeneratedError(),
  ])("$name is retried: the answer was malformed", (error) => {
    expect(isTransient(classifyFailure(error, CALL))).toBe(true);
  });
});

describe("downloads", () => {
  const url = "https://files.test/a.png?sig=SECRET";
  it("404 is terminal, and no model call", () => {
    const error = classifyFailure(new DownloadError({ url, statusCode: 404, statusText: "Not Found" }), {
      what: "agent download 1",
    });
    expect(error).toBeInstanceOf(DownloadFailedError);
    expect(error.message).toBe("Download of https://files.test/a.png failed: status 404");
  });
  it("a URL that is not allowed is terminal", () => {
    expect(
      classifyFailure(new DownloadError({ url: "ftp://x", message: "URL scheme must be http" }), TOOL),
    ).toBeInstanceOf(DownloadFailedError);
  });
  it("503 and network failures are retried", () => {
    expect(isTransient(classifyFailure(new DownloadError({ url, statusCode: 503, statusText: "" }), TOOL))).toBe(true);
    const error = classifyFailure(new DownloadError({ url, cause: new Error("ECONNRESET") }), TOOL);
    expect(isTransient(error)).toBe(true);
    expect(error.message).not.toContain("SECRET");
  });
});

describe("errors of Restate", () => {
  it("pass unchanged", () => {
    for (const error of [
      new TerminalError("t"),
      new CancelledError(),
      new TimeoutError(),
      new RetryableError("r"),
      new ToolTimeoutError("t", 1),
    ]) {
      expect(classifyFailure(error, CALL)).toBe(error);
    }
  });

  it("of another copy of the SDK are adopted", () => {
    const foreign = (name: string, code: number, more: object = {}): Error =>
      Object.assign(new Error("m"), { name, code, ...more });
    expect(classifyFailure(foreign("TerminalError", 418, { metadata: { a: "b" } }), TOOL)).toMatchObject({
      code: 418,
      metadata: { a: "b" },
    });
    expect(classifyFailure(foreign("TerminalError", 418), TOOL)).toBeInstanceOf(TerminalError);
    expect(classifyFailure(foreign("CancelledError", 409), TOOL)).toBeInstanceOf(CancelledError);
    expect(classifyFailure(foreign("TimeoutError", 408), TOOL)).toBeInstanceOf(TimeoutError);
    expect(delayMs(classifyFailure(foreign("RetryableError", 500, { retryAfter: 5 }), TOOL))).toBe(5);
  });

  it("are not confused with DOMException, which has the same names and numeric codes", () => {
    expect(isTransient(classifyFailure(new DOMException("m", "TimeoutError"), TOOL))).toBe(true);
    expect(isTransient(classifyFailure(new DOMException("m", "AbortError"), TOOL))).toBe(true);
  });
});

describe("anything else", () => {
  it("is retried, and keeps its stack outside of model calls", () => {
    const error = new TypeError("fetch failed");
    expect(classifyFailure(error, TOOL)).toBe(error);
    expect(classifyFailure(error, CALL).message).toBe("Model call failed: openai.responses gpt-5.2: fetch failed");
  });

  it("may be no error at all", () => {
    for (const thrown of ["text", undefined, null, 0, Symbol("s"), {}, () => 1, Object.create(null)]) {
      expect(classifyFailure(thrown, TOOL).message).toMatch(/^agent tool search c1 failed: ./);
    }
  });

  it("may have accessors that throw", () => {
    const trap = {
      get: (): never => {
        throw new Error("trap");
      },
    };
    const weird = new Error("x");
    for (const name of ["message", "name", "stack", "code", "cause"]) Object.defineProperty(weird, name, trap);
    const proxy = new Proxy({}, { get: trap.get, has: trap.get, getPrototypeOf: trap.get });
    for (const thrown of [weird, proxy]) {
      for (const context of [TOOL, CALL]) expect(typeof classifyFailure(thrown, context).message).toBe("string");
    }
  });
});
