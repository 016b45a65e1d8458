/**
 * One trace a run, in any backend that speaks OTLP (Langfuse, Arize Phoenix, Logfire, Braintrust, Grafana …): the run, each
 * model call with its tokens, each tool call. A replay makes no spans, so a run of ten requests is still one trace. Prompts and
 * answers are left out unless the agent says `recordInputs` and `recordOutputs`.
 *
 * Ask: `POST /agents/Observed/run`. The settings OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS say where to.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, RestateAgent } from "../../src/index.ts";

const agent = new RestateAgent({
  id: "observed",
  model: appModel(),
  instructions: "You count letters.",
  tools: {
    count: tool({
      description: "Count the letters of a word.",
      inputSchema: z.object({ word: z.string() }),
      execute: ({ word }) => word.length,
    }),
  },
  telemetry: { functionId: "letters", recordInputs: true, recordOutputs: false },
});

/** Counts letters. */
export const observed = agentService("Observed", agent);
