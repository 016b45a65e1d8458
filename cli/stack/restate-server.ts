import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { restateServerBinary } from "../../src/testing/packages.ts";
import { type Child, startChild } from "./child.ts";
import { QUIET } from "./quiet.ts";
import { answers, waitUntil } from "./wait.ts";

/** Where a restate-server listens, on the loopback interface only. */
export interface RestateAddresses {
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
}

/** A running restate-server. */
export interface RestateServer {
  readonly child: Child;
  readonly ingressUrl: string;
  /** Admin API and Restate's own UI. */
  readonly adminUrl: string;
  /** Settles when it serves; throws when it has ended, or does not serve within a minute. */
  ready(): Promise<void>;
}

/**
 * Starts the restate-server of the project's node_modules. Its data is kept in the project's `.restate/`.
 *
 * The executable itself: the npm command is a wrapper that passes signals on to it, so a signal to both would arrive
 * twice, and the second one cuts its shutdown short.
 */
export function startRestateServer(
  folder: string,
  ports: RestateAddresses,
  onLine: (line: string) => void,
): RestateServer {
  const data = join(folder, ".restate");
  mkdirSync(data, { recursive: true });
  const child = startChild({
    label: "restate-server",
    command: restateServerBinary(folder),
    args: ["--no-logo", "--base-dir", data],
    cwd: folder,
    env: { ...process.env, ...QUIET, ...configuration(ports) },
    onLine: (line) => {
      onLine(line);
      if (line.includes("db is locked"))
        onLine("Its data in .restate/ is in use: is it running already in this folder?");
    },
  });
  const ingressUrl = `http://127.0.0.1:${ports.ingress}`;
  const adminUrl = `http://127.0.0.1:${ports.admin}`;

  const ready = async (): Promise<void> => {
    const isServing = async (): Promise<boolean> =>
      (await answers(`${adminUrl}/health`)) && (await answers(`${ingressUrl}/restate/health`));
    const serves = await waitUntil(isServing, { timeoutMs: 60_000, signal: child.endedSignal });
    if (!serves) throw new Error("Cannot start restate-server: it does not answer after 60 seconds");
  };
  return { child, ingressUrl, adminUrl, ready };
}

function configuration(ports: RestateAddresses): Record<string, string> {
  return {
    // The default name is the host's, and data of another node name is refused: it has to survive a rename.
    RESTATE_NODE_NAME: "development",
    // Paths of Unix sockets are limited to about 100 characters, which a deep folder exceeds.
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_BIND_ADDRESS: `127.0.0.1:${ports.node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.node}/`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ports.ingress}`,
    RESTATE_INGRESS__ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.ingress}/`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ports.admin}`,
    RESTATE_ADMIN__ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.admin}/`,
    // It asks GitHub for its latest release, which cannot be switched off; offline, octocrab would report an error.
    RESTATE_LOG_FILTER: "warn,octocrab=off",
    RESTATE_LOG_FORMAT: "compact",
    RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    // One developer, one machine: fewer partitions start faster and use less memory.
    RESTATE_DEFAULT_NUM_PARTITIONS: "4",
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256 MiB",
    RESTATE_SHUTDOWN_TIMEOUT: "5s",
  };
}
