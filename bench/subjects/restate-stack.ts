/** One restate-server for all subjects of a workload, and how they are run on it. */
import type { JournalEncryption } from "../../src/index.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import type { ServedEndpoint } from "../../src/testing/served-endpoint.ts";
import { promptOf, STREAMED } from "../prompt.ts";
import type { BenchEnvironment, RunningSubject, Shape } from "../subject.ts";
import { startCountingProxy } from "../usage/counting-proxy.ts";
import { processUsage } from "../usage/process-usage.ts";
import { startSink } from "./sink.ts";

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
  /** Starts what serves the agents; told where streaming ones post their parts. */
  readonly serve: (sinkUrl: string) => Promise<Pick<ServedEndpoint, "url" | "http11" | "pid" | "stop">>;
  /** Path of the Restate endpoint. Default: none. */
  readonly mount?: string;
  /** The service that runs a shape. It has one handler, `run`, that takes a prompt and answers with the final text. */
  readonly serviceOf: (shape: Shape) => string;
  /** Encrypts what a run is given, and decrypts its answer. Default: neither. */
  readonly encryption?: JournalEncryption | undefined;
  /** The service that posts the parts of its answer to the sink as they come. Default: it has none. */
  readonly streamingService?: string;
}

/** Serves agents, registers them with Restate through a counting proxy, and runs them over Restate's ingress. */
export async function startRestateSubject(
  environment: BenchEnvironment,
  { serve, mount = "", serviceOf, streamingService, encryption }: RestateSubjectInit,
): Promise<RunningSubject> {
  const restate = await acquire(environment);
  const cleanups = [() => release(environment)];
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  };
  try {
    const sink = await startSink();
    cleanups.push(() => sink.close());
    const endpoint = await serve(sink.url);
    cleanups.push(() => endpoint.stop());
    const proxy = await startCountingProxy(endpoint.url, endpoint.http11 ? "http1" : "http2");
    cleanups.push(() => proxy.close());
    await restate.register(`${proxy.url}${mount}`, { http11: endpoint.http11 });
    const invocations = new Map<string, string>();
    const run = async (id: string, service: string, prompt: string): Promise<string> => {
      const { invocationId, text } = await invoke(restate, service, prompt, encryption);
      invocations.set(id, invocationId);
      return text;
    };
    const firstPartMs = async (id: string, service: string): Promise<number> => {
      const begin = performance.now();
      const [arrived] = await Promise.all([sink.next(), run(id, service, STREAMED)]);
      return arrived - begin;
    };
    return {
      run: (id, shape) => run(id, serviceOf(shape), promptOf(shape)),
      ...(streamingService === undefined ? {} : { firstPartMs: (id) => firstPartMs(id, streamingService) }),
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
  encryption: JournalEncryption | undefined,
): Promise<{ readonly invocationId: string; readonly text: string }> {
  const input = new TextEncoder().encode(JSON.stringify(prompt));
  const response = await fetch(`${restate.ingressUrl}/restate/call/${service}/run`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: (await encryption?.seal(input)) ?? input,
  });
  const answer = new Uint8Array(await response.arrayBuffer());
  const isSealed = encryption !== undefined && response.ok;
  const body = new TextDecoder().decode(isSealed ? await encryption.open(answer) : answer);
  if (!response.ok) throw new Error(`${service} answered ${response.status}: ${body}`);
  return { invocationId: response.headers.get("x-restate-id") ?? "", text: String(JSON.parse(body)) };
}

/** Bytes of the journal entries of an invocation, and of those that it continued as, as Restate stores them. */
async function journalBytes(restate: RestateTestServer, invocationId: string): Promise<number> {
  if (!/^inv_\w+$/.test(invocationId)) throw new Error("the run has no invocation id");
  const chain = [invocationId];
  for (const id of chain) {
    const called = await restate.query<{ id: string }>(`SELECT id FROM sys_invocation WHERE invoked_by_id = '${id}'`);
    chain.push(...called.map((row) => row.id));
  }
  const sums = chain.map(async (id) => {
    const [row] = await restate.query<{ bytes: number }>(
      `SELECT SUM(raw_length) AS bytes FROM sys_journal WHERE id = '${id}'`,
    );
    return row?.bytes ?? 0;
  });
  return (await Promise.all(sums)).reduce((sum, bytes) => sum + bytes, 0);
}
