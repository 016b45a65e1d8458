/** The agent of the bench as this library runs it. Which service is called decides what it may assume. */
import { createOpenAI } from "@ai-sdk/openai";
import { isStepCount, tool } from "ai";
import { z } from "zod";
import { agentService, keepLastMessages, RestateAgent, type RestateAgentOptions } from "../../src/index.ts";
import { work } from "../work.ts";

const setting = (name: string): string => process.env[name] ?? "";

/** Names of two subjects on one restate-server must differ. */
const prefix = setting("BENCH_PREFIX");

const model = createOpenAI({ baseURL: setting("BENCH_MODEL_URL"), apiKey: "scripted" })("gpt-test");

const tools = {
  work: tool({
    description: "Does some work",
    inputSchema: z.object({ n: z.number(), ms: z.number(), bytes: z.number() }),
    execute: work,
  }),
};

function benchAgent(options: RestateAgentOptions<typeof tools>) {
  const window = setting("BENCH_WINDOW") === "false" ? { window: false as const } : {};
  return new RestateAgent({ id: "bench", model, tools, stopWhen: isStepCount(100_000) }, { ...window, ...options });
}

const ordinary = benchAgent({});
const readOnly = benchAgent({ toolOptions: { work: { readOnly: true } } });
const continueAsNew = { steps: 50, compact: keepLastMessages(20) };

/** Posts the text to the one who asked, as the model streams it. */
const streaming = benchAgent({
  onStreamEvent: async (event) => {
    if (event.type !== "part" || event.part.type !== "text-delta") return;
    const response = await fetch(setting("BENCH_SINK_URL"), { method: "POST", body: event.part.delta });
    await response.arrayBuffer();
  },
});

/** `<prefix>Ordinary`, `<prefix>ReadOnly`, and so on. */
export const services = [
  agentService(`${prefix}Ordinary`, ordinary),
  agentService(`${prefix}ReadOnly`, readOnly),
  agentService(`${prefix}OrdinaryContinued`, ordinary, { continueAsNew }),
  agentService(`${prefix}ReadOnlyContinued`, readOnly, { continueAsNew }),
  agentService(`${prefix}Streaming`, streaming),
];
