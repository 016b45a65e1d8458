/** A Worker whose agent is a Cloudflare Workflow: one `step.do` for each model call and for each tool call. */
import { DurableObject, WorkflowEntrypoint } from "cloudflare:workers";
import { createOpenAI } from "@ai-sdk/openai";
import { isStepCount, tool, ToolLoopAgent, wrapLanguageModel } from "ai";
import { work } from "../../../work.ts";
import { MODEL_ID, STEP_BOUND, WORK_DESCRIPTION, workInput } from "../agent.mjs";

/** What a step keeps of a model's answer: what the AI SDK's loop reads, as JSON, without the HTTP bodies. */
function stored({ content, finishReason, usage, warnings, providerMetadata, response }) {
  const { id, modelId, timestamp } = response ?? {};
  return JSON.stringify({
    content,
    finishReason,
    usage,
    warnings,
    providerMetadata,
    response: { id, modelId, timestamp },
  });
}

function restored(text) {
  const result = JSON.parse(text);
  return { ...result, response: { ...result.response, timestamp: new Date(result.response.timestamp) } };
}

/** A model whose calls are steps of the workflow. */
function durableModel(baseURL, step) {
  let calls = 0;
  return wrapLanguageModel({
    model: createOpenAI({ baseURL, apiKey: "scripted" })(MODEL_ID),
    middleware: {
      specificationVersion: "v4",
      wrapGenerate: async ({ doGenerate }) =>
        restored(await step.do(`model ${++calls}`, async () => stored(await doGenerate()))),
    },
  });
}

export class Agent extends WorkflowEntrypoint {
  async run({ payload: prompt, instanceId }, step) {
    const agent = new ToolLoopAgent({
      model: durableModel(this.env.MODEL_URL, step),
      tools: {
        work: tool({
          description: WORK_DESCRIPTION,
          inputSchema: workInput,
          execute: (input, { toolCallId }) => step.do(`work ${toolCallId}`, () => work(input)),
        }),
      },
      stopWhen: isStepCount(STEP_BOUND),
      // Workflows retries: the AI SDK does not.
      maxRetries: 0,
    });
    try {
      return (await agent.generate({ prompt })).text;
    } finally {
      await this.env.WAITER.getByName(instanceId).ended();
    }
  }
}

/** Where a request waits until a run is about to end, so that it need not poll the run's status all the time. */
export class Waiter extends DurableObject {
  #ended = Promise.withResolvers();

  ended() {
    this.#ended.resolve();
  }

  async wait() {
    await this.#ended.promise;
  }
}

const RUNNING = new Set(["queued", "running", "waiting", "waitingForPause", "unknown"]);

async function run(env, { id, prompt }) {
  const instance = await env.AGENT.create({ id, params: prompt });
  await env.WAITER.getByName(id).wait();
  // What is left is that the engine stores the output: a few milliseconds.
  for (let look = 0; look < 10_000; look++) {
    const { status, output, error } = await instance.status();
    if (status === "complete") return output;
    if (!RUNNING.has(status)) throw new Error(`The run ended as ${status}: ${JSON.stringify(error)}`);
    await scheduler.wait(1);
  }
  throw new Error("The run did not end within 10 seconds of its last step");
}

export default {
  async fetch(request, env) {
    if (request.method !== "POST") return new Response("ok");
    try {
      return new Response(await run(env, await request.json()));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
