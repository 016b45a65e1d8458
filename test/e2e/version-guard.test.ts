/**
 * One version per URL (G10), on workerd and Deno, before a Restate that signs: a host whose code is replaced under
 * invocations that wait. Each run of a handler is an effect, so what ran where is counted from outside.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { versionPath } from "../../src/endpoint/version.ts";
import { RETRY_AFTER_SECONDS } from "../../src/endpoint/version-guard.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { serveDeno, type ServedEndpoint, serveWorker, type ServeOptions } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const INVOCATIONS = 10;
const RUNTIMES: Readonly<Record<string, (options: ServeOptions) => Promise<ServedEndpoint>>> = {
  workerd: serveWorker,
  deno: serveDeno,
};

interface Row {
  readonly status: string;
  readonly failure: string | null;
  readonly code: string | null;
  readonly waitsSeconds: number | null;
}

/** As restate-server 1.7 shows an answer that asks it to wait. Such attempts count towards no retry policy. */
const REFUSED = {
  status: "backing-off",
  code: "RT0023",
  failure: `[500 Internal] service is rate limited due to '503 Service Unavailable' (retry after: ${RETRY_AFTER_SECONDS} seconds)`,
  // The difference of two times in whole seconds, so it may be one more or less: half of 10^0.5 is the tolerance.
  waitsSeconds: expect.closeTo(RETRY_AFTER_SECONDS, -0.5) as number,
} satisfies Row;

const list = (ids: readonly string[]): string => `(${ids.map((id) => `'${id}'`).join(", ")})`;

describe.each(Object.keys(RUNTIMES))("%s", (runtime) => {
  let stack: TestRestate;
  let effects: EffectServer;
  let endpoint: ServedEndpoint;
  let vars: Readonly<Record<string, string>>;

  beforeAll(async () => {
    [stack, effects] = await Promise.all([startTestRestate({}, "cloud"), startEffectServer()]);
    vars = { ...stack.vars, EFFECT_URL: effects.url };
    const entry = new URL(`../fixtures/guarded/${runtime === "deno" ? "deno" : "worker"}.ts`, import.meta.url).pathname;
    const { trustedCertificates } = stack;
    const serve = RUNTIMES[runtime];
    if (serve === undefined) throw new Error(`There is no runtime ${runtime}`);
    endpoint = await serve({ entry, trustedCertificates, vars: version("1") });
  }, 90_000);
  afterAll(() => Promise.all([stack.restate.stop(), endpoint.stop(), effects.close()]));

  /** Settings of a version: its number is both the setting and the code. */
  const version = (number: string): Record<string, string> => ({ ...vars, APP_VERSION: number, CODE: number });
  const register = (path: string): Promise<void> =>
    stack.restate.register(endpoint.url + path, { http11: endpoint.http11 });
  const awakeableOf = (key: string): string | undefined =>
    effects.effects.find(({ name }) => name === `${key} waits`)?.key;

  const rows = (ids: readonly string[]): Promise<Row[]> =>
    stack.restate.query<Row>(
      `SELECT status, last_failure AS failure, last_failure_error_code AS code, ` +
        `to_unixtime(next_retry_at) - to_unixtime(last_start_at) AS "waitsSeconds" ` +
        `FROM sys_invocation WHERE id IN ${list(ids)}`,
    );

  /** Invocations that have come to their awakeable. */
  async function begin(prefix: string): Promise<{ readonly ids: string[]; readonly keys: string[] }> {
    const keys = Array.from({ length: INVOCATIONS }, (_, n) => `${prefix}-${n}`);
    const ids = await Promise.all(keys.map((key) => stack.restate.send("Guarded/run", key)));
    // A step that Restate has not heard the result of may be done again.
    const areDurable = async (): Promise<boolean> => {
      const [row] = await stack.restate.query<{ steps: number }>(
        `SELECT COUNT(1) AS steps FROM sys_journal WHERE id IN ${list(ids)} AND entry_type = 'Notification: Run'`,
      );
      return row?.steps === 2 * ids.length;
    };
    await waitUntil("Not every invocation waits", areDurable, { everyMs: 50 });
    return { ids, keys };
  }
  const wake = (keys: readonly string[]): Promise<unknown> =>
    Promise.all(keys.map((key) => stack.restate.resolveAwakeable(awakeableOf(key) ?? "", "news")));

  /** How often one of these invocations was seen by the handler of a version. */
  const seen = (keys: readonly string[], code: string): number =>
    keys.reduce((sum, key) => sum + effects.count(`seen by ${code}`, key), 0);

  /** Every one ended with the answer of this version, and each of its steps was done once. */
  async function endedOn({ ids, keys }: Awaited<ReturnType<typeof begin>>, code: string): Promise<void> {
    for (const [n, id] of ids.entries()) {
      expect(await stack.restate.attach(id)).toEqual({ status: 200, body: `first ${keys[n]}, news, ended on ${code}` });
    }
    for (const key of keys) {
      expect([
        effects.count("first", key),
        effects.count(`${key} waits`),
        effects.count(`last of ${code}`, key),
      ]).toEqual([1, 1, 1]);
    }
  }

  test("an invocation waits while its URL serves other code, and ends on its own", { timeout: 120_000 }, async () => {
    await register(versionPath("/restate", "1"));
    const old = await begin("old");

    // New code on the same host, as `wrangler deploy` would put it there.
    await endpoint.restart(version("2"));
    await register(versionPath("/restate", "2"));
    await wake(old.keys);
    let refused: Row[] = [];
    const areRefused = async (): Promise<boolean> => {
      refused = await rows(old.ids);
      return refused.every(({ code }) => code === REFUSED.code);
    };
    await waitUntil("Not every old invocation was asked to wait", areRefused, { timeoutMs: 60_000, everyMs: 100 });
    expect(refused).toEqual(old.ids.map(() => REFUSED));

    // Meanwhile new invocations run on the new code.
    const fresh = await begin("new");
    await wake(fresh.keys);
    await endedOn(fresh, "2");

    const replays = seen(old.keys, "1");
    await endpoint.restart(version("1"));
    // Each would come by itself within 30 seconds.
    await Promise.all(old.ids.map((id) => stack.restate.resume(id)));
    await endedOn(old, "1");
    expect(seen(old.keys, "1")).toBeGreaterThan(replays);
    expect([seen(old.keys, "2"), seen(fresh.keys, "1")]).toEqual([0, 0]);
    console.log(`${runtime}: old code ran for the old ${seen(old.keys, "1")} times, new code 0 times`);
  });

  test("a version is not registered at a URL that serves another one", { timeout: 120_000 }, async () => {
    await expect(register(versionPath("/restate", "3"))).rejects.toThrow(/503/);
  });

  test(
    "without a version in the path, foreign code runs, and the journal does not fit",
    { timeout: 120_000 },
    async () => {
      await endpoint.restart(version("1"));
      await register("/restate");
      const naive = await begin("naive");
      await endpoint.restart(version("2"));
      await wake(naive.keys);
      const areBroken = async (): Promise<boolean> => (await rows(naive.ids)).every(({ code }) => code === "RT0016");
      await waitUntil("The journal fits", areBroken, { timeoutMs: 60_000, everyMs: 100 });
      expect(seen(naive.keys, "2")).toBeGreaterThanOrEqual(INVOCATIONS);
      await Promise.all(naive.ids.map((id) => stack.restate.killInvocation(id)));
    },
  );
});
