/** Streams as providers send them. */
import type { LanguageModelV4StreamPart, SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { dynamicTool, tool, type ToolSet } from "ai";
import fc from "fast-check";
import { z } from "zod";

type Parts = readonly LanguageModelV4StreamPart[];

/** Tools that nobody executes: what comes of a call is not what these streams are about. */
export const TOOLS: ToolSet = {
  find: tool({
    title: "Find",
    inputSchema: z.object({ query: z.string(), limit: z.number().default(3) }),
    outputSchema: z.string(),
  }),
  any: dynamicTool({ description: "takes anything", inputSchema: z.unknown() }),
  search: {
    type: "provider",
    id: "p.search",
    isProviderExecuted: true,
    args: {},
    inputSchema: z.unknown(),
    outputSchema: z.unknown(),
  } as never,
};

const metadata = fc.option(
  fc.record({
    p: fc.dictionary(fc.constantFrom("itemId", "signature"), fc.string()),
  }) as fc.Arbitrary<SharedV4ProviderMetadata>,
  { nil: undefined },
);
const withMetadata = (providerMetadata: SharedV4ProviderMetadata | undefined) =>
  providerMetadata === undefined ? {} : { providerMetadata };

const block = (type: "text" | "reasoning") =>
  fc
    .record({
      deltas: fc.array(fc.string(), { maxLength: 4 }),
      at: fc.array(metadata, { minLength: 3, maxLength: 3 }),
      ends: fc.boolean(),
    })
    .map(({ deltas, at: [start, delta, end], ends }) => (id: string): Parts => [
      { type: `${type}-start`, id, ...withMetadata(start) },
      ...deltas.map((text, index): LanguageModelV4StreamPart => ({
        type: `${type}-delta`,
        id,
        delta: text,
        ...(index === 1 ? withMetadata(delta) : {}),
      })),
      ...(ends ? [{ type: `${type}-end`, id, ...withMetadata(end) } as const] : []),
    ]);

const input = fc.oneof(
  fc.record({ query: fc.string() }).map((value) => JSON.stringify(value)),
  fc.record({ query: fc.string(), limit: fc.nat() }).map((value) => JSON.stringify(value)),
  fc.json(),
  fc.constantFrom("", "{", " ", '{"query":1}'),
);

const call = fc
  .record({ toolName: fc.constantFrom("find", "any", "nothing"), input, isStreamed: fc.boolean(), metadata })
  .map(({ toolName, input: text, isStreamed, metadata: own }) => (id: string): Parts => [
    ...inputParts(id, toolName, text, isStreamed || toolName === "nothing"),
    { type: "tool-call", toolCallId: id, toolName, input: text, ...withMetadata(own) },
  ]);

const providerCall = fc
  .record({ result: fc.json(), isError: fc.boolean(), metadata, isStreamed: fc.boolean() })
  .map(({ result, isError, metadata: own, isStreamed }) => (id: string): Parts => [
    ...inputParts(id, "search", "{}", isStreamed, true),
    { type: "tool-call", toolCallId: id, toolName: "search", input: "{}", providerExecuted: true },
    {
      type: "tool-result",
      toolCallId: id,
      toolName: "search",
      result: (JSON.parse(result) as never) ?? "nothing",
      ...(isError ? { isError } : {}),
      ...withMetadata(own),
    },
  ]);

function inputParts(id: string, toolName: string, text: string, isStreamed: boolean, isProviders = false): Parts {
  if (!isStreamed) return [];
  const half = Math.floor(text.length / 2);
  return [
    { type: "tool-input-start", id, toolName, ...(isProviders ? { providerExecuted: true } : {}) },
    { type: "tool-input-delta", id, delta: text.slice(0, half) },
    { type: "tool-input-delta", id, delta: text.slice(half) },
    { type: "tool-input-end", id },
  ];
}

const single = fc.oneof(
  metadata.map((own) => (id: string): Parts => [
    { type: "source", sourceType: "url", id, url: `https://example.com/${id}`, title: id, ...withMetadata(own) },
  ]),
  metadata.map((own) => (id: string): Parts => [
    { type: "source", sourceType: "document", id, mediaType: "text/plain", title: id, ...withMetadata(own) },
  ]),
  fc
    .uint8Array({ maxLength: 5 })
    .map((data) => (): Parts => [{ type: "file", mediaType: "image/png", data: { type: "data", data } }]),
  fc.constant((): Parts => [{ type: "reasoning-file", mediaType: "image/png", data: { type: "data", data: "AAAA" } }]),
  metadata.map((own) => (): Parts => [{ type: "custom", kind: "p.thing", ...withMetadata(own) }]),
);

const piece = fc.oneof(block("text"), block("reasoning"), call, providerCall, single);

const FINISH: LanguageModelV4StreamPart = {
  type: "finish",
  finishReason: { unified: "stop", raw: undefined },
  usage: {
    inputTokens: { total: 1, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: undefined, reasoning: undefined },
  },
};

/** Whole streams, one piece after the other. */
export const ordered: fc.Arbitrary<Parts> = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => [
    { type: "stream-start", warnings: [] },
    ...pieces.flatMap((make, index) => make(`id-${index}`)),
    FINISH,
  ]);

/** Whole streams whose pieces come at the same time. */
export const interleaved: fc.Arbitrary<Parts> = fc
  .tuple(fc.array(piece, { minLength: 2, maxLength: 5 }), fc.array(fc.nat(), { minLength: 40, maxLength: 40 }))
  .map(([pieces, order]) => {
    const rest = pieces.map((make, index) => [...make(`id-${index}`)]);
    const parts: LanguageModelV4StreamPart[] = [{ type: "stream-start", warnings: [] }];
    for (let turn = 0; rest.some((queue) => queue.length > 0); turn += 1) {
      const open = rest.filter((queue) => queue.length > 0);
      const next = open[(order[turn % order.length] ?? 0) % open.length]?.shift();
      if (next !== undefined) parts.push(next);
    }
    return [...parts, FINISH];
  });
