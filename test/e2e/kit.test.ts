/** Real restate-server, workerd and Deno, on services of the bare SDK. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type EffectServer,
  type RestateTestServer,
  type ServedEndpoint,
  serveDeno,
  serveWorker,
  startEffectServer,
  startRestate,
} from "../../src/testing/index.ts";

const fixture = (name: string): string => new URL(`../fixtures/testing/${name}.ts`, import.meta.url).pathname;
const SERVE = {
  workerd: (vars: Record<string, string>) => serveWorker({ entry: fixture("worker"), vars }),
  deno: (vars: Record<string, string>) => serveDeno({ entry: fixture("deno"), vars }),
} as const;

let restate: RestateTestServer;
let effects: EffectServer;

beforeAll(async () => {
  [restate, effects] = await Promise.all([
    startRestate({ retry: { initialIntervalMs: 20, maxIntervalMs: 100 } }),
    startEffectServer({ delayMs: 60 }),
  ]);
}, 90_000);
afterAll(async () => {
  await Promise.all([restate.stop(), effects.close()]);
  expect(existsSync(restate.baseDir)).toBe(false);
}, 30_000);

describe.each(["workerd", "deno"] as const)("a service on %s", (runtime) => {
  let endpoint: ServedEndpoint;

  beforeAll(async () => {
    endpoint = await SERVE[runtime]({ GREETING: 'Good "morning"\n', EFFECT_URL: effects.url });
    await restate.register(endpoint.url, { http11: endpoint.http11 });
  }, 90_000);
  afterAll(() => endpoint.stop());

  test("is registered and called, and sees its vars", async () => {
    expect(await restate.call("Greeter/greet", "Ada")).toEqual({ status: 200, body: 'Good "morning"\n, Ada' });
    const deployments = await restate.query<{ endpoint: string }>("SELECT endpoint FROM sys_deployment");
    expect(deployments.map((row) => row.endpoint)).toContain(`${endpoint.url}/`);
  });

  test("keeps state, which can be read", async () => {
    const key = `of ${runtime}'s`;
    await restate.call(`Counter/${encodeURIComponent(key)}/add`, 2);
    expect(await restate.call(`Counter/${encodeURIComponent(key)}/add`, 3)).toEqual({ status: 200, body: 5 });
    expect(await restate.state("Counter", key)).toEqual({ sum: 5 });
  });

  test("goes on after SIGKILL at the same URL, and its journal is whole", async () => {
    const run = `${runtime}-kill`;
    const id = await restate.send("Greeter/threeSteps", run);
    await effects.waitFor((all) => all.some(({ key, finishedAt }) => key === `${run}-b` && finishedAt === undefined));
    const { pid, url } = endpoint;
    await endpoint.kill();
    expect(() => process.kill(pid ?? 0, 0)).toThrow("ESRCH");
    await expect(fetch(`${url}/health`)).rejects.toThrow("fetch failed");
    const started = performance.now();
    await endpoint.start();
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(endpoint.pid).not.toBe(pid);
    expect(endpoint.url).toBe(url);
    expect(await restate.attach(id)).toMatchObject({
      status: 200,
      body: [`${run}-a 200`, `${run}-b 200`, `${run}-c 200`],
    });
    expect(effects.count("greet", `${run}-a`)).toBe(1);
    const steps = (await restate.journal(id))
      .filter((row) => row.entry_type === "Command: Run")
      .map(({ name }) => name);
    expect(steps).toEqual(["a", "b", "c"]);
  });

  test("is killed and started ten times, always at the same URL", { timeout: 60_000 }, async () => {
    const times: number[] = [];
    for (let n = 0; n < 10; n++) {
      const started = performance.now();
      await endpoint.restart();
      times.push(performance.now() - started);
      expect((await restate.call("Greeter/greet", `n${n}`)).body).toContain(`n${n}`);
    }
    // A crash test restarts hundreds of times; what matters is the usual time, not the slowest on a busy machine.
    expect(times.sort((a, b) => a - b)[4]).toBeLessThan(5_000);
  });

  test("cancel, kill and output tell what became of an invocation", async () => {
    const [cancelled, killed] = await Promise.all([1, 2].map(() => restate.send("Greeter/wait")));
    await restate.waitForStatus(cancelled ?? "", runtime === "workerd" ? "suspended" : "running");
    expect((await restate.output(cancelled ?? "")).status).toBe(470);
    await Promise.all([restate.cancel(cancelled ?? ""), restate.killInvocation(killed ?? "")]);
    expect((await restate.attach(cancelled ?? "", 10_000)).status).toBe(409);
    expect(JSON.stringify((await restate.attach(killed ?? "", 10_000)).body)).toContain("killed");
    await restate.waitForStatus(cancelled ?? "", "completed");
    expect((await restate.output(cancelled ?? "")).status).toBe(409);
  });

  test("two calls with one idempotency key are one", async () => {
    const options = { idempotencyKey: `once-${runtime}` };
    const ids = [await restate.send("Greeter/greet", "a", options), await restate.send("Greeter/greet", "b", options)];
    expect(ids[0]).toBe(ids[1]);
  });
});

describe("restate-server", () => {
  test(
    "comes back after SIGKILL at the same ports, with its data and running invocations",
    { timeout: 90_000 },
    async () => {
      await using endpoint = await SERVE.workerd({ GREETING: "Hi", EFFECT_URL: effects.url });
      await restate.register(endpoint.url, { http11: true });
      await restate.call("Counter/kept/add", 7);
      const id = await restate.send("Greeter/threeSteps", "server-kill");
      await effects.waitFor((all) => all.some(({ key }) => key === "server-kill-b"));
      const { pid, ingressUrl } = restate;
      await restate.kill();
      expect(() => process.kill(pid ?? 0, 0)).toThrow("ESRCH");
      await restate.start();
      expect(restate.pid).not.toBe(pid);
      expect(restate.ingressUrl).toBe(ingressUrl);
      expect((await restate.attach(id, 20_000)).status).toBe(200);
      expect(effects.count("greet", "server-kill-a")).toBe(1);
      expect(await restate.state("Counter", "kept")).toEqual({ sum: 7 });
    },
  );

  test("replays for every step when asked to, also on a bidirectional endpoint", { timeout: 90_000 }, async () => {
    await using always = await startRestate({ alwaysReplay: true });
    await using endpoint = await SERVE.deno({ EFFECT_URL: effects.url });
    await always.register(endpoint.url);
    const id = await always.send("Greeter/wait");
    // Under the usual inactivity timeout of a minute it would be running.
    await always.waitForStatus(id, "suspended", 10_000);
  });

  test("says what Restate answered to an invocation that it refuses", async () => {
    await expect(restate.send("Nobody/run")).rejects.toThrow(/Cannot send to Nobody\/run: Restate answered 404/);
    await expect(restate.register("http://127.0.0.1:9")).rejects.toThrow(/POST \/deployments answered \d+/);
    await expect(restate.waitForStatus("inv_none", "completed", 60)).rejects.toThrow("is unknown, not completed");
  });

  test("that cannot start says why, and leaves nothing behind", async () => {
    const folder = await mkdtemp(join(tmpdir(), "empty-"));
    vi.stubEnv("TMPDIR", folder);
    const env = { RESTATE_DEFAULT_NUM_PARTITIONS: "many" };
    await expect(startRestate({ env })).rejects.toThrow(
      /restate-server has ended \(exit code 1\)[^]*found string "many"/,
    );
    expect(await readdir(folder)).toEqual([]);
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
});

describe("serveWorker()", () => {
  test("says why an entry cannot be bundled", { timeout: 60_000 }, async () => {
    await expect(serveWorker({ entry: "no-such-worker.ts" })).rejects.toThrow(
      /Cannot bundle no-such-worker\.ts: wrangler[^]*entry-point file at/,
    );
  });

  test("serves with wrangler dev, killed and started too", { timeout: 120_000 }, async () => {
    const vars = { GREETING: "Hello", EFFECT_URL: effects.url };
    await using endpoint = await serveWorker({ entry: fixture("worker"), vars, mode: "wrangler" });
    await restate.register(endpoint.url, { http11: true });
    expect((await restate.call("Greeter/greet", "Ada")).body).toBe("Hello, Ada");
    await endpoint.kill();
    await expect(fetch(`${endpoint.url}/health`)).rejects.toThrow("fetch failed");
    await endpoint.start();
    expect((await restate.call("Greeter/greet", "Bob")).body).toBe("Hello, Bob");
  });
});

test("serveDeno() ends with the log of an entry that does not load", { timeout: 60_000 }, async () => {
  await expect(serveDeno({ entry: "no-such-app.ts" })).rejects.toThrow(/deno serve has ended[^]*no-such-app/);
});
