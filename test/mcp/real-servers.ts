/** Real MCP servers from npm, over Streamable HTTP on loopback. */
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Child } from "../../src/testing/child.ts";
import { onFreePorts, startServer } from "../../src/testing/start-server.ts";

const require = createRequire(import.meta.url);

/** A server that runs. */
export interface RealServer {
  /** Its package and version, for reports. */
  readonly what: string;
  readonly url: string;
  stop(): Promise<void>;
}

/** One with a folder. */
export interface FilesServer extends RealServer {
  readonly folder: string;
}

interface Installed {
  readonly version: string;
  readonly main: string;
}

/** A package that is run, not imported; its `exports` may hide its `package.json`. */
function installed(name: string): Installed {
  const folder = (require.resolve.paths(name) ?? []).map((path) => join(path, name));
  for (const path of folder) {
    try {
      const { version } = require(join(path, "package.json")) as { readonly version: string };
      return { version, main: join(path, "dist/index.js") };
    } catch {
      // Further up.
    }
  }
  throw new Error(`${name} is not installed`);
}

async function isUp(url: string): Promise<boolean> {
  try {
    // Any answer will do.
    await fetch(url, { signal: AbortSignal.timeout(1_000) }).then((response) => response.body?.cancel());
    return true;
  } catch {
    return false;
  }
}

/** `@modelcontextprotocol/server-everything`, which speaks Streamable HTTP with sessions, or the transport before it. */
export async function startEverything(transport: "streamableHttp" | "sse" = "streamableHttp"): Promise<RealServer> {
  const { version, main } = installed("@modelcontextprotocol/server-everything");
  const { child, port } = await started("server-everything", (at) => ({
    args: [main, transport],
    env: { PORT: String(at) },
    health: transport === "sse" ? "/" : "/mcp",
  }));
  const url = `http://127.0.0.1:${port}/${transport === "sse" ? "sse" : "mcp"}`;
  return { what: `@modelcontextprotocol/server-everything ${version}`, url, stop: () => child.stop() };
}

/** `@modelcontextprotocol/server-filesystem`, made an HTTP server by `supergateway`. */
export async function startFiles(): Promise<FilesServer> {
  const files = installed("@modelcontextprotocol/server-filesystem");
  const gateway = installed("supergateway");
  const folder = await mkdtemp(join(tmpdir(), "mcp-files-"));
  const { child, port } = await started("supergateway", (at) => ({
    args: [
      gateway.main,
      "--stdio",
      `${process.execPath} ${files.main} ${folder}`,
      "--outputTransport=streamableHttp",
      "--stateful",
      `--port=${at}`,
      "--healthEndpoint=/health",
    ],
    env: {},
    health: "/health",
  }));
  const what = `@modelcontextprotocol/server-filesystem ${files.version} behind supergateway ${gateway.version}`;
  const stop = async (): Promise<void> => {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { what, url: `http://127.0.0.1:${port}/mcp`, folder, stop };
}

interface Command {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly health: string;
}

async function started(
  label: string,
  command: (port: number) => Command,
): Promise<{ readonly child: Child; readonly port: number }> {
  return onFreePorts(1, async ([port = 0]) => {
    const { args, env, health } = command(port);
    const init = { label, command: process.execPath, args, env, cwd: dirname(args[0] ?? "") };
    const child = await startServer(init, port, () => isUp(`http://127.0.0.1:${port}${health}`), { timeoutMs: 60_000 });
    return { child, port };
  });
}
