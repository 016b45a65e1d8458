/** The agent with no durability at all: the AI SDK's loop in a Worker. */
import { createOpenAI } from "@ai-sdk/openai";
import { isStepCount, tool, ToolLoopAgent } from "ai";
import { z } from "zod";
import { work } from "../work.ts";

const agent = new ToolLoopAgent({
  model: createOpenAI({ baseURL: process.env["BENCH_MODEL_URL"] ?? "", apiKey: "scripted" })("gpt-test"),
  tools: {
    work: tool({
      description: "Does some work",
      inputSchema: z.object({ n: z.number(), ms: z.number(), bytes: z.number() }),
      execute: work,
    }),
  },
  stopWhen: isStepCount(100_000),
});

export default {
  /** `GET` answers that it serves; `POST` with a prompt answers with the final text, at `/stream` as it comes. */
  async fetch(request: Request): Promise<Response> {
    if (request.method === "GET") return new Response("ok");
    if (new URL(request.url).pathname === "/stream") {
      const result = await agent.stream({ prompt: await request.text() });
      return result.toTextStreamResponse();
    }
    const { text } = await agent.generate({ prompt: await request.text() });
    return new Response(text);
  },
};
