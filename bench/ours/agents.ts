/** The agent of the bench as this library runs it. Which service is called decides what it may assume. */
import { createOpenAI } from "@ai-sdk/openai";
import { isStepCount, tool } from "ai";
import { z } from "zod";
import { agentService, RestateAgent } from "../../src/index.ts";
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

function benchAgent(readOnly: boolean) {
  return new RestateAgent(
    { id: "bench", model, tools, stopWhen: isStepCount(100_000) },
    { toolOptions: { work: { readOnly } } },
  );
}

/** `<prefix>Ordinary` and `<prefix>ReadOnly`. */
export const services = [
  agentService(`${prefix}Ordinary`, benchAgent(false)),
  agentService(`${prefix}ReadOnly`, benchAgent(true)),
];
