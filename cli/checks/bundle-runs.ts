import { serveWorker, startRestate } from "../../src/testing/index.ts";
import type { CommandResult } from "./run-command.ts";

const QUESTION = "What is the weather in Berlin?";

/**
 * Runs the weather agent of a built Worker: in workerd, called by a real restate-server. The other tests build without
 * the settings of wrangler.toml, and a bundler that leaves out too much (the Restate SDK's WebAssembly is sensitive to
 * it) shows only when the bundle runs.
 */
export async function runBundle(path: string): Promise<CommandResult> {
  await using restate = await startRestate();
  await using worker = await serveWorker({ entry: path, vars: { ENVIRONMENT: "development" } });
  await restate.register(`${worker.url}/restate`, { http11: true });
  const { status, body } = await restate.call("WeatherAgent/run", QUESTION);
  const answer = JSON.stringify(body);
  return { ok: status === 200 && answer.includes("Berlin"), output: `${QUESTION} ${status} ${answer}` };
}
