import { defineEventHandler } from "nitro/h3";
import { start } from "workflow/api";
import { agentWorkflow } from "../../workflows/agent.mjs";

/** Runs the workflow to its end; a header tells its id. */
export default defineEventHandler(async ({ req, res }) => {
  const { prompt } = await req.json();
  const run = await start(agentWorkflow, [prompt]);
  res.headers.set("x-run-id", run.runId);
  return run.returnValue;
});
