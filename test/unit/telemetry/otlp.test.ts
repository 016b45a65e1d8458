import { afterEach, describe, expect, test, vi } from "vitest";
import { DefinitionError, otlpTelemetry, type Span } from "../../../src/index.ts";
import { listen } from "../../../src/testing/http-server.ts";
import { parseKeyValues } from "../../../src/telemetry/key-values.ts";
import { otlpTraces } from "../../../src/telemetry/otlp-json.ts";
import { contentText, MAX_CONTENT, providerName } from "../../../src/telemetry/gen-ai.ts";

const span: Span = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  name: "chat m",
  kind: "client",
  startMs: 1_764_016_880_801,
  endMs: 1_764_016_880_900,
  attributes: { text: "t", count: 3, share: 0.5, yes: true, list: ["a", "b"], none: undefined },
};

afterEach(() => {
  vi.restoreAllMocks();
});

test("spans are written as OTLP's JSON has them", () => {
  const failed: Span = {
    ...span,
    parentSpanId: "00f067aa0ba902b7",
    traceState: "a=1",
    kind: "internal",
    endMs: 0,
    error: { type: "429", message: "slow down" },
    linkedSpanIds: ["986be5adc7642745"],
    attributes: {},
  };
  expect(otlpTraces([span, failed], { "service.name": "s", "service.version": undefined })).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "s" } }] },
        scopeSpans: [
          {
            scope: { name: "restate-edge-agents" },
            spans: [
              {
                traceId: "0af7651916cd43dd8448eb211c80319c",
                spanId: "b7ad6b7169203331",
                flags: 1,
                name: "chat m",
                kind: 3,
                startTimeUnixNano: "1764016880801000000",
                endTimeUnixNano: "1764016880900000000",
                attributes: [
                  { key: "text", value: { stringValue: "t" } },
                  { key: "count", value: { intValue: "3" } },
                  { key: "share", value: { doubleValue: 0.5 } },
                  { key: "yes", value: { boolValue: true } },
                  { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] } } },
                ],
              },
              {
                traceId: "0af7651916cd43dd8448eb211c80319c",
                spanId: "b7ad6b7169203331",
                parentSpanId: "00f067aa0ba902b7",
                traceState: "a=1",
                flags: 1,
                name: "chat m",
                kind: 1,
                startTimeUnixNano: "1764016880801000000",
                endTimeUnixNano: "1764016880801000000",
                attributes: [{ key: "error.type", value: { stringValue: "429" } }],
                links: [{ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "986be5adc7642745" }],
                status: { code: 2, message: "slow down" },
              },
            ],
          },
        ],
      },
    ],
  });
});

describe("otlpTelemetry()", () => {
  const signal = AbortSignal.timeout(5_000);

  test("posts to <endpoint>/v1/traces, with the headers", async () => {
    const seen: unknown[] = [];
    await using server = await served(async (request, response) => {
      seen.push([request.method, request.url, request.headers["content-type"], request.headers["x-key"]]);
      response.writeHead(200).end("{}");
    });
    const exporter = otlpTelemetry({ endpoint: `${server.url}/base/`, headers: { "x-key": "k" } });
    await exporter.export([span], { signal });
    expect(seen).toEqual([["POST", "/base/v1/traces", "application/json", "k"]]);
  });

  test.each([
    [503, undefined],
    [302, "http://127.0.0.1:1/elsewhere"],
  ])("an answer of %d is a failure, and no other host gets the headers", async (status, location) => {
    await using server = await served(async (_, response) => {
      response.writeHead(status, location === undefined ? {} : { location }).end("secret details");
    });
    const exporter = otlpTelemetry({ endpoint: server.url });
    const { host } = new URL(server.url);
    await expect(exporter.export([span], { signal })).rejects.toHaveProperty("message", `${host} answered ${status}`);
  });

  test("nobody there is a failure that names the host alone", async () => {
    const exporter = otlpTelemetry({ endpoint: "http://127.0.0.1:1/path?key=secret" });
    await expect(exporter.export([span], { signal })).rejects.toThrow(/^127\.0\.0\.1:1 cannot be reached$/);
  });

  test("refuses what is no URL and no header, without quoting it", () => {
    for (const options of [
      { endpoint: "sekret" },
      { endpoint: "ftp://sekret" },
      { endpoint: "http://x", headers: { "sek ret": "v" } },
      { endpoint: "http://x", headers: { a: "sekret\n" + "b" } },
    ]) {
      expect(() => otlpTelemetry(options)).toThrow(DefinitionError);
      expect(() => otlpTelemetry(options)).not.toThrow(/sek/);
    }
  });
});

async function served(
  handler: Parameters<typeof listen>[0],
): Promise<{ readonly url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const server = await listen(handler);
  return { url: server.url, [Symbol.asyncDispose]: () => server.close() };
}

test("content is cut to what is well-formed", () => {
  const text = contentText("x".repeat(MAX_CONTENT - 2) + "😀");
  expect(text).toHaveLength(MAX_CONTENT);
  expect(text.isWellFormed()).toBe(true);
});

test.each([
  [{ serviceName: "mine", serviceVersion: "2" }, "mine", "2"],
  [{}, "theirs", "1"],
])("%j with the attributes of the resource", async (own, name, version) => {
  const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("{}"));
  const resource = { "service.name": "theirs", "service.version": "1" };
  const exporter = otlpTelemetry({ endpoint: "http://receiver.test", resource, ...own });
  await exporter.export([span], { signal: new AbortController().signal });
  const sent = JSON.parse(fetched.mock.calls[0]?.[1]?.body as string) as object;
  expect(sent).toHaveProperty("resourceSpans.0.resource.attributes", [
    { key: "service.name", value: { stringValue: name } },
    { key: "service.version", value: { stringValue: version } },
  ]);
});

test("lists of settings are read as OpenTelemetry has them", () => {
  expect(parseKeyValues("a=1, b = two%20words ,c=x=y,,=v,bad,d=%zz,e=")).toEqual({
    a: "1",
    b: "two words",
    c: "x=y",
    e: "",
  });
  expect(parseKeyValues(undefined)).toEqual({});
});

test.each([
  ["openai.responses", "openai"],
  ["openai", "openai"],
  ["anthropic.messages", "anthropic"],
  ["azure.responses", "azure.ai.openai"],
  ["azurelike.chat", "azurelike"],
  ["google.generative-ai", "gcp.gemini"],
  ["google.vertex.chat", "gcp.vertex_ai"],
  ["amazon-bedrock", "aws.bedrock"],
  ["mistral.chat", "mistral_ai"],
  ["xai.chat", "x_ai"],
  ["my-own", "my-own"],
])("the provider %s is called %s", (provider, name) => {
  expect(providerName(provider)).toBe(name);
});
