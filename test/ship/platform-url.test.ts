/** A server that somebody else runs: `deno serve`, as in a container, on one address for all of its versions. */
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { serveDeno, type ServedEndpoint } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { startTestRestate, type TestRestate } from "../e2e/stack.ts";
import { run } from "./wrangler.ts";

const MAIN = resolve(import.meta.dirname, "../../cli/main.ts");
const ENTRY = resolve(import.meta.dirname, "../fixtures/guarded/deno.ts");
const OLD_RUNS = 8;

let stack: TestRestate;
let effects: EffectServer;
let app: ServedEndpoint;

const version = (number: string): Record<string, string> => ({
  ...stack.vars,
  EFFECT_URL: effects.url,
  APP_VERSION: number,
  CODE: number,
});

interface Document {
  readonly ok: boolean;
  readonly outcome?: string;
  readonly version?: string;
  readonly platform?: string;
  readonly deploymentId?: string;
  readonly warnings?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

async function deploy(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly document: Document }> {
  const { code, stdout, log } = await run(
    process.execPath,
    [MAIN, "deploy", "--platform", "url", "--no-smoke", "--json", ...args],
    { cwd: resolve(ENTRY, ".."), env: { ...stack.vars }, timeoutMs: 60_000 },
  );
  if (stdout.trim() === "") throw new Error(`The tool printed nothing: ${log}`);
  return { code, document: JSON.parse(stdout) as Document };
}

beforeAll(async () => {
  [stack, effects] = await Promise.all([startTestRestate({}, "server"), startEffectServer()]);
  app = await serveDeno({ entry: ENTRY, vars: version("1") });
}, 90_000);
afterAll(() => Promise.all([stack.restate.stop(), app.stop(), effects.close()]));

test(
  "runs stay on the version that they began on, although one address serves both",
  { timeout: 180_000 },
  async () => {
    const first = await deploy("--url", app.url);
    expect(first).toMatchObject({ code: 0, document: { outcome: "deployed", version: "1", platform: "url" } });
    const keys = Array.from({ length: OLD_RUNS }, (_, n) => `old-${n}`);
    const ids = await Promise.all(keys.map((key) => stack.restate.send("Guarded/run", key)));
    const waiting = (): boolean => keys.every((key) => effects.count(`${key} waits`) === 1);
    await waitUntil("Not every run waits", waiting, { everyMs: 50 });

    await app.restart(version("2"));
    const second = await deploy("--url", app.url, "--app-version", "2");
    expect(second).toMatchObject({ code: 0, document: { outcome: "deployed", version: "2" } });
    expect(second.document.warnings).toEqual([
      expect.stringMatching(/^8 invocations began on 1, which .* does not serve/),
    ]);
    expect(second.document.deploymentId).not.toBe(first.document.deploymentId);

    const wake = (names: readonly string[]): Promise<unknown> =>
      Promise.all(
        names.map((key) => {
          const id = effects.effects.find(({ name }) => name === `${key} waits`)?.key;
          return stack.restate.resolveAwakeable(id ?? "", "news");
        }),
      );
    await wake(keys);
    const fresh = await stack.restate.send("Guarded/run", "new");
    await waitUntil("The new run does not wait", () => effects.count("new waits") === 1, { everyMs: 50 });
    await wake(["new"]);
    expect(await stack.restate.attach(fresh)).toEqual({ status: 200, body: "first new, news, ended on 2" });

    const areRefused = async (): Promise<boolean> => {
      const rows = await stack.restate.query<{ code: string }>(
        `SELECT last_failure_error_code AS code FROM sys_invocation WHERE id IN (${ids.map((id) => `'${id}'`).join(", ")})`,
      );
      return rows.length === OLD_RUNS && rows.every(({ code }) => code === "RT0023");
    };
    await waitUntil("Not every old run was asked to wait", areRefused, { timeoutMs: 60_000, everyMs: 100 });

    await app.restart(version("1"));
    await Promise.all(ids.map((id) => stack.restate.resume(id)));
    for (const [n, id] of ids.entries()) {
      expect(await stack.restate.attach(id)).toEqual({ status: 200, body: `first ${keys[n]}, news, ended on 1` });
    }
    const effectsOfOld = keys.map((key) => [effects.count("first", key), effects.count("last of 1", key)]);
    expect(effectsOfOld).toEqual(keys.map(() => [1, 1]));
    expect(effects.effects.filter(({ name, key }) => name === "seen by 2" && key !== "new")).toEqual([]);
    console.log(`${OLD_RUNS} old runs waited for their version and ended on it, 1 new run on the new one`);
  },
);

test("deploy says what is missing", { timeout: 120_000 }, async () => {
  expect(await deploy()).toMatchObject({ code: 2, document: { error: { code: "url-missing" } } });
  expect(await deploy("--url", app.url, "--app-version", "9", "--timeout", "1")).toMatchObject({
    code: 4,
    document: { error: { code: "version-not-served", message: expect.stringContaining("1 is served") as string } },
  });
  await app.restart({ ...version("1"), APP_VERSION: "" });
  expect(await deploy("--url", app.url)).toMatchObject({ code: 2, document: { error: { code: "version-unknown" } } });
});
