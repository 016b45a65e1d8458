/** The classification table with the real OpenAI provider, over HTTP. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, type LanguageModelV4 } from "@ai-sdk/provider";
import { afterEach, describe, expect, it } from "vitest";
import { ModelCallError } from "../../../src/errors/model-call-error.ts";
import type { RetryableError } from "../../../src/restate.ts";
import { AttemptFailed, MemorySteps } from "./memory-steps.ts";
import { journaled, PROMPT, readParts } from "./models.ts";

let server: Server | undefined;

async function openai(listener: RequestListener): Promise<LanguageModelV4> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return modelAt((server.address() as AddressInfo).port);
}

function modelAt(port: number): LanguageModelV4 {
  return createOpenAI({ apiKey: "sk-test-0123456789abcdef", baseURL: `http://127.0.0.1:${port}/v1` })("gpt-5.2");
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

const METHODS: [string, (model: LanguageModelV4) => PromiseLike<unknown>][] = [
  ["doGenerate", (model) => model.doGenerate(PROMPT)],
  ["doStream", (model) => readParts(model)],
];

async function outcome(work: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(work).catch((error: unknown) => error);
}

const refuse =
  (status: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(
      JSON.stringify({
        error: { message: "Incorrect API key provided", type: "invalid_request_error", code: "the_code", param: null },
      }),
    );
  };

describe.each(METHODS)("%s", (_, call) => {
  it.each([400, 401, 403, 404, 422])("answered %i fails for good, the same on replay", async (status) => {
    const steps = new MemorySteps();
    const model = await openai(refuse(status));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      steps.replay();
      const error = (await outcome(call(journaled(model, steps)))) as ModelCallError;
      expect(error).toBeInstanceOf(ModelCallError);
      expect(error.message).toBe(
        `Model call failed: openai.responses gpt-5.2 answered ${status}: Incorrect API key provided`,
      );
      expect(error).toMatchObject({
        statusCode: status,
        providerCode: "the_code",
        providerType: "invalid_request_error",
      });
      expect(APICallError.isInstance(error.cause)).toBe(true);
    }
    expect(JSON.stringify(steps.journal)).not.toMatch(/hello|sk-test/);
  });

  it.each([408, 409, 425, 429, 500, 503])("answered %i is retried", async (status) => {
    const error = await outcome(call(journaled(await openai(refuse(status)), new MemorySteps())));
    expect(error).toBeInstanceOf(AttemptFailed);
    expect((error as AttemptFailed).message).toContain(`openai.responses gpt-5.2 answered ${status}`);
  });

  it.each<[Record<string, string>, number]>([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": new Date(Date.now() + 3_600_000 * 5).toUTCString() }, 3_600_000],
    [{ "retry-after-ms": "150" }, 150],
  ])("answered 429 with %j is retried after %i ms", async (headers, milliseconds) => {
    const error = (await outcome(
      call(journaled(await openai(refuse(429, headers)), new MemorySteps())),
    )) as AttemptFailed;
    expect((error.cause as RetryableError).retryAfter).toEqual({ milliseconds });
  });

  it.each<[string, RequestListener]>([
    [
      "a body that does not parse",
      (__, response) => response.writeHead(200, { "content-type": "application/json" }).end("{ not json"),
    ],
    [
      "a body of another shape",
      (__, response) => response.writeHead(200, { "content-type": "application/json" }).end('{"a":1}'),
    ],
    ["no body", (__, response) => response.writeHead(200).end()],
    ["a cut connection", (request) => request.socket.destroy()],
    [
      "a cut body",
      (__, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
        response.write("{");
        setTimeout(() => response.destroy(), 5);
      },
    ],
  ])("answered by %s is retried", async (__, listener) => {
    const steps = new MemorySteps();
    expect(await outcome(call(journaled(await openai(listener), steps)))).toBeInstanceOf(AttemptFailed);
    expect(steps.journal).toEqual([]);
  });

  it("without anybody listening is retried", async () => {
    await openai(refuse(500));
    const port = (server?.address() as AddressInfo | null | undefined)?.port ?? 0;
    await new Promise((resolve) => server?.close(resolve));
    const error = await outcome(call(journaled(modelAt(port), new MemorySteps())));
    expect(error).toBeInstanceOf(AttemptFailed);
    expect((error as Error).message).toContain("Cannot connect to API");
  });

  it("that gets no answer in time is retried", async () => {
    const error = await outcome(
      call(journaled(await openai(() => {}), new MemorySteps(), { timeout: { stepMs: 30 } })),
    );
    expect(error).toBeInstanceOf(AttemptFailed);
    expect((error as Error).message).toBe(
      "Model call failed: openai.responses gpt-5.2: No complete answer within 30 ms",
    );
  });
});

describe("doStream", () => {
  const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
  const begin = [
    event({ type: "response.created", response: { id: "resp_1", created_at: 1, model: "gpt-5.2" } }),
    event({ type: "response.output_item.added", output_index: 0, item: { type: "message", id: "m1" } }),
    event({ type: "response.output_text.delta", item_id: "m1", delta: "Half an ans" }),
  ];

  it("of an answer that ends cleanly but too early is retried", async () => {
    const steps = new MemorySteps();
    const model = await openai((_, response) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).end(begin.join("")),
    );
    expect(await outcome(readParts(journaled(model, steps)))).toBeInstanceOf(AttemptFailed);
    expect(steps.journal).toEqual([]);
  });

  it.each([
    ["context_length_exceeded", ModelCallError],
    ["rate_limit_exceeded", AttemptFailed],
    ["server_error", AttemptFailed],
  ])("that fails half-way with %s", async (code, type) => {
    const failed = event({
      type: "response.failed",
      sequence_number: 9,
      response: { error: { code, message: "m" }, incomplete_details: null, usage: null },
    });
    const model = await openai((_, response) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).end([...begin, failed].join("")),
    );
    expect(await outcome(readParts(journaled(model, new MemorySteps())))).toBeInstanceOf(type);
  });
});
