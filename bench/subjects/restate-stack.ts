/** One restate-server for all subjects of a workload, and how they are run on it. */
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import type { ServedEndpoint } from "../../src/testing/served-endpoint.ts";
import { startCountingProxy } from "../usage/counting-proxy.ts";
import { processUsage } from "../usage/process-usage.ts";
import type { BenchEnvironment, RunningSubject, Shape } from "../subject.ts";
import { promptOf } from "../prompt.ts";

interface SharedServer {
  readonly server: Promise<RestateTestServer>;
  users: number;
}

const servers = new WeakMap<BenchEnvironment, SharedServer>();

/** The server of an environment; started by its first user, stopped by its last one. */
async function acquire(environment: BenchEnvironment): Promise<RestateTestServer> {
  const shared = servers.get(environment) ?? { server: startRestate(), users: 0 };
  servers.set(environment, shared);
  shared.users += 1;
  return shared.server;
}

async function release(environment: BenchEnvironment): Promise<void> {
  const shared = servers.get(environment);
  if (shared === undefined || --shared.users > 0) return;
  servers.delete(environment);
  await (await shared.server).stop();
}

/** An endpoint that serves agents to Restate. */
export interface RestateSubjectInit {
  /** Starts what serves the agents. */
  readonly serve: () => Promise<Pick<ServedEndpoint, "url" | "http11" | "pid" | "stop">>;
  /** Path of the Restate endpoint. Default: none. */
  readonly mount?: string;
  /** The service that runs a shape. It has one handler, `run`, that takes a prompt and answers with the final text. */
  readonly serviceOf: (shape: Shape) => string;
}

/** Serves agents, registers them with Restate through a counting proxy, and runs them over Restate's ingress. */
export async function startRestateSubject(
  environment: BenchEnvironment,
  { serve, mount = "", serviceOf }: RestateSubjectInit,
): Promise<RunningSubject> {
  const restate = await acquire(environment);
  const cleanups = [() => release(environment)];
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  };
  try {
    const endpoint = await serve();
    cleanups.push(() => endpoint.stop());
    const proxy = await startCountingProxy(endpoint.url, endpoint.http11 ? "http1" : "http2");
    cleanups.push(() => proxy.close());
    await restate.register(`${proxy.url}${mount}`, { http11: endpoint.http11 });
    const invocations = new Map<string, string>();
    return {
      run: async (id, shape) => {
        const { invocationId, text } = await invoke(restate, serviceOf(shape), promptOf(shape));
        invocations.set(id, invocationId);
        return text;
      },
      usage: async () => ({ ...proxy.counts(), ...(await usageOf(endpoint.pid)) }),
      storedBytes: (id) => journalBytes(restate, invocations.get(id) ?? ""),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const usageOf = async (pid: number | undefined) => (pid === undefined ? undefined : processUsage(pid));

/** Invokes a service and waits for its answer. */
async function invoke(
  restate: RestateTestServer,
  service: string,
  prompt: string,
): Promise<{ readonly invocationId: string; readonly text: string }> {
  const response = await fetch(`${restate.ingressUrl}/restate/call/${service}/run`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(prompt),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${service} answered ${response.status}: ${body}`);
  return { invocationId: response.headers.get("x-restate-id") ?? "", text: String(JSON.parse(body)) };
}

/** Bytes of an invocation's journal entries, as Restate stores them. */
async function journalBytes(restate: RestateTestServer, invocationId: string): Promise<number> {
  if (!/^inv_\w+$/.test(invocationId)) throw new Error("Cannot tell the stored bytes: the run has no invocation id");
  const [row] = await restate.query<{ bytes: number }>(
    `SELECT SUM(raw_length) AS bytes FROM sys_journal WHERE id = '${invocationId}'`,
  );
  return row?.bytes ?? 0;
}
