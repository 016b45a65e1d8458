/** A Node server whose agent is a DBOS workflow: `durableCalls` for the model, `DBOS.runStep` for the tool. */
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { createOpenAI } from "@ai-sdk/openai";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { durableCalls } from "@dbos-inc/vercel-ai";
import { isStepCount, tool, ToolLoopAgent, wrapLanguageModel } from "ai";
import { work } from "../../../work.ts";
import { MODEL_ID, STEP_BOUND, WORK_DESCRIPTION, workInput } from "../agent.mjs";

const { DATABASE_URL, MODEL_URL, PORT } = process.env;

const agent = new ToolLoopAgent({
  model: wrapLanguageModel({
    model: createOpenAI({ baseURL: MODEL_URL, apiKey: "scripted" })(MODEL_ID),
    middleware: durableCalls(),
  }),
  tools: {
    work: tool({
      description: WORK_DESCRIPTION,
      inputSchema: workInput,
      execute: (input) => DBOS.runStep(() => work(input), { name: "work" }),
    }),
  },
  stopWhen: isStepCount(STEP_BOUND),
  // DBOS retries: the AI SDK does not.
  maxRetries: 0,
});

const runAgent = DBOS.registerWorkflow(async (prompt) => (await agent.generate({ prompt })).text, { name: "agent" });

DBOS.setConfig({ name: "bench", systemDatabaseUrl: DATABASE_URL, logLevel: "error", runAdminServer: false });
await DBOS.launch();

async function answer(request) {
  if (request.method !== "POST") return "ok";
  const { id, prompt } = await json(request);
  const handle = await DBOS.startWorkflow(runAgent, { workflowID: id })(prompt);
  return handle.getResult();
}

const server = createServer((request, response) => {
  answer(request).then(
    (text) => response.end(text),
    (error) => response.writeHead(500).end(String(error?.stack ?? error)),
  );
});
server.listen(Number(PORT), "127.0.0.1");

process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void DBOS.shutdown().finally(() => process.exit(0));
});
