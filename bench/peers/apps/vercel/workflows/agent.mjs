/** The agent as a workflow: `WorkflowAgent` makes a step of each model call, `"use step"` makes one of each tool call. */
import { createOpenAI } from "@ai-sdk/openai";
import { WorkflowAgent } from "@ai-sdk/workflow";
import { isStepCount, tool } from "ai";
import { work } from "../../../../work.ts";
import { MODEL_ID, STEP_BOUND, WORK_DESCRIPTION, workInput } from "../../agent.mjs";

async function workStep(input) {
  "use step";
  return work(input);
}

async function doStream(options) {
  "use step";
  return createOpenAI({ baseURL: process.env.MODEL_URL, apiKey: "scripted" })(MODEL_ID).doStream(options);
}

/**
 * The model as data and step functions, which can travel into the step of a model call. An instance of
 * `@ai-sdk/openai`'s class cannot: its class is not registered in the step's bundle.
 */
const model = {
  specificationVersion: "v4",
  provider: "openai.responses",
  modelId: MODEL_ID,
  supportedUrls: {},
  doStream,
};

/** @returns {Promise<string>} the final text */
export async function agentWorkflow(prompt) {
  "use workflow";
  const agent = new WorkflowAgent({
    model,
    tools: {
      work: tool({ description: WORK_DESCRIPTION, inputSchema: workInput, execute: (input) => workStep(input) }),
    },
    stopWhen: isStepCount(STEP_BOUND),
  });
  const { steps } = await agent.stream({ messages: [{ role: "user", content: prompt }] });
  return steps.at(-1).text;
}
