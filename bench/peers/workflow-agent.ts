/** Vercel's WorkflowAgent: the agent is a workflow in a Nitro server on Node, kept by Workflow's local world. */
import { mkdtemp, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "../../src/testing/child.ts";
import { onFreePorts } from "../../src/testing/start-server.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import type { Subject, Usage } from "../subject.ts";
import { inPeers, installPeers } from "./folder.ts";
import { startHttpSubject } from "./http-subject.ts";

/** `@ai-sdk/workflow` on `workflow`'s local world. */
export const workflowAgent: Subject = {
  name: "workflow-agent",
  label: "Vercel WorkflowAgent, local world",
  async start({ modelUrl, folder: parent }) {
    await installPeers();
    const server = await built(parent);
    const folder = await mkdtemp(join(parent, "workflow-agent-"));
    const data = join(folder, "data");
    const runIds = new Map<string, string>();
    return onFreePorts(1, ([port = 0]) =>
      startHttpSubject({
        port,
        child: {
          label: "Nitro",
          command: process.execPath,
          args: [server],
          env: {
            HOST: "127.0.0.1",
            MODEL_URL: modelUrl,
            NODE_ENV: "production",
            PORT: String(port),
            WORKFLOW_LOCAL_BASE_URL: `http://127.0.0.1:${port}`,
            WORKFLOW_LOCAL_DATA_DIR: data,
            // Concurrent runs take longer than the queue's 30 seconds, and would be delivered, and run, twice.
            WORKFLOW_LOCAL_HEADERS_TIMEOUT_MS: "0",
            WORKFLOW_LOCAL_BODY_TIMEOUT_MS: "0",
          },
          cwd: folder,
        },
        innerRequests,
        onAnswer: (id, { headers }) => runIds.set(id, headers.get("x-run-id") ?? ""),
        storedBytes: (id) => bytesOfFiles(data, runIds.get(id) ?? ""),
      }),
    );
  },
};

const builds = new Map<string, Promise<string>>();

/** Path of the server's entry; built once for each folder. */
function built(parent: string): Promise<string> {
  const build = builds.get(parent) ?? buildServer(join(parent, "workflow-agent-server"));
  builds.set(parent, build);
  return build;
}

async function buildServer(output: string): Promise<string> {
  const child = startChild({
    label: "nitro build",
    command: process.execPath,
    args: [inPeers("node_modules/nitro/dist/cli/index.mjs"), "build"],
    env: { BENCH_OUTPUT: output, NODE_ENV: "production" },
    cwd: inPeers("apps/vercel"),
  });
  try {
    await waitUntil("Cannot build WorkflowAgent's server", () => !child.alive, { timeoutMs: 120_000 });
  } finally {
    await child.kill();
  }
  if (child.exit !== "exit code 0")
    throw new Error(`Cannot build WorkflowAgent's server: ${child.exit}\n${child.log()}`);
  return join(output, "server/index.mjs");
}

/** The queue of the local world delivers over HTTP, to the server that it is in. */
async function innerRequests(url: string): Promise<Pick<Usage, "requests" | "uploadedBytes">> {
  return (await (await fetch(`${url}/counts`)).json()) as Pick<Usage, "requests" | "uploadedBytes">;
}

/** Bytes of the files that a run's id names. */
async function bytesOfFiles(folder: string, runId: string): Promise<number> {
  if (runId === "") throw new Error("Cannot tell the stored bytes of a run that has no id");
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.includes(runId));
  const stats = await Promise.all(files.map((path) => stat(join(folder, path))));
  return stats.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}
