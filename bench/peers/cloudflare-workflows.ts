/** Cloudflare Workflows: the agent is a workflow in a Worker, one `step.do` for each call, in `wrangler dev`. */
import { createHash, createHmac } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { wranglerScript } from "../../src/testing/packages.ts";
import { onFreePorts } from "../../src/testing/start-server.ts";
import type { Subject } from "../subject.ts";
import { startHttpSubject } from "./http-subject.ts";
import { inPeers, installPeers } from "./folder.ts";

/** Cloudflare Workflows, locally. */
export const cloudflareWorkflows: Subject = {
  name: "cloudflare-workflows",
  label: "Cloudflare Workflows",
  async start({ modelUrl, folder: parent }) {
    await installPeers();
    const folder = await mkdtemp(join(parent, "cloudflare-workflows-"));
    const config = join(folder, "wrangler.json");
    await writeFile(config, JSON.stringify(wranglerConfig(modelUrl)));
    const state = join(folder, "state");
    const quiet = ["--show-interactive-dev-session=false", "--log-level=warn"];
    const flags = ["--config", config, "--ip", "127.0.0.1", "--persist-to", state, ...quiet];
    return onFreePorts(2, ([port = 0, inspector = 0]) =>
      startHttpSubject({
        port,
        child: {
          label: "wrangler dev",
          command: process.execPath,
          args: [wranglerScript(), "dev", ...flags, "--port", String(port), "--inspector-port", String(inspector)],
          env: {},
          cwd: folder,
        },
        storedBytes: async (id) => databaseBytes(join(state, "v3/workflows", NAMESPACE, `${objectId(id)}.sqlite`)),
      }),
    );
  },
};

/** wrangler's name for the Durable Objects that hold the runs of the workflow `agent`: one for each run. */
const NAMESPACE = "miniflare-workflows-agent";

/** The id of a run's Durable Object, after which its database is named: a keyed hash of its name, and a check of it. */
function objectId(name: string): string {
  const key = createHash("sha256").update(NAMESPACE).digest();
  const hash = (data: string | Buffer): Buffer => createHmac("sha256", key).update(data).digest().subarray(0, 16);
  return Buffer.concat([hash(name), hash(hash(name))]).toString("hex");
}

/** Size of an SQLite database, what is still in its write-ahead log included. */
function databaseBytes(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database
      .prepare("select page_count * page_size as bytes from pragma_page_count, pragma_page_size")
      .get();
    return Number(row?.["bytes"]);
  } finally {
    database.close();
  }
}

function wranglerConfig(modelUrl: string): Readonly<Record<string, unknown>> {
  return {
    name: "bench-workflows",
    main: inPeers("apps/cloudflare/worker.mjs"),
    compatibility_date: "2026-10-01",
    compatibility_flags: ["nodejs_compat"],
    vars: { MODEL_URL: modelUrl },
    workflows: [{ name: "agent", binding: "AGENT", class_name: "Agent" }],
    durable_objects: { bindings: [{ name: "WAITER", class_name: "Waiter" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Waiter"] }],
    send_metrics: false,
    observability: { enabled: false },
  };
}
