/** The measured app: a turn that writes its stream, readers of it, and the same answer without durability. */
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";
import { Hono } from "hono";
import { createEdgeApp } from "../../routes/index.ts";
import { EXTRAS } from "../../src/agent/run-extras.ts";
import { RestateAgent } from "../../src/agent/restate-agent.ts";
import { service } from "../../src/journal/handlers.ts";
import type { Context } from "../../src/restate.ts";
import { SSE_HEADERS, sseBody } from "../../src/stream/sse.ts";
import { streamObject } from "../../src/stream/stream-object.ts";
import { readStreamPages } from "../../src/stream/stream-reader.ts";
import type { StreamStore } from "../../src/stream/stream-store.ts";
import { streamWriter } from "../../src/stream/stream-writer.ts";

/** What a turn is called with. */
export interface TurnInput {
  readonly stream: string;
  readonly prompt: string;
}

const model = () => createOpenAI({ baseURL: process.env["BENCH_MODEL_URL"] ?? "", apiKey: "scripted" })("gpt-test");
/** Name of the stream object, and so of this app's turns: ways share one restate-server. */
const prefix = (): string => process.env["BENCH_PREFIX"] ?? "";

/** The app, over a store. `counts`: what is counted besides Restate's requests. */
export function app(store: StreamStore, bidirectional: boolean, counts: Record<string, number> = {}): Hono {
  const agent = new RestateAgent({ id: "talker", model: model() });
  const turns = service({
    name: `${prefix()}Turns`,
    handlers: {
      run: async (context: Context, { stream, prompt }: TurnInput): Promise<string> => {
        const writer = streamWriter({ store, stream, messageId: "m1" });
        const parameters = { prompt, [EXTRAS]: { sink: writer } };
        const { text } = await agent.generate(parameters);
        await context.run("finish", () => writer.finish({ outcome: "completed" }));
        return text;
      },
    },
  });
  const counted = new Hono();
  counted.use("/restate/invoke/*", (context, next) => {
    const handler = context.req.path.split("/").slice(-2).join("/");
    counts[handler] = (counts[handler] ?? 0) + 1;
    return next();
  });
  counted.get("/counts", (context) => context.json(counts));
  counted.get("/read", (context) => {
    const stream = context.req.query("stream") ?? "";
    const body = sseBody((signal) => readStreamPages(store, stream, { signal }));
    return new Response(body, { headers: SSE_HEADERS });
  });
  counted.post("/plain", async (context) =>
    streamText({ model: model(), prompt: await context.req.text() }).toUIMessageStreamResponse(),
  );
  return counted.route("/", createEdgeApp({ services: [turns, streamObject(`${prefix()}Streams`)], bidirectional }));
}
