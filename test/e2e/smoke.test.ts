/** Smoke services on a real restate-server: each call ends, whatever its check does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/index.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const STEPS = ["smoke write", "smoke read"];
const FOR_EVER_MS = 60_000;

let stack: TestRestate;
let effects: EffectServer;
beforeAll(async () => {
  const statuses: Readonly<Record<string, (n: number) => number | undefined>> = {
    flaky: (n) => (n < 2 ? 503 : undefined),
    broken: () => 500,
    refused: () => 401,
  };
  [stack, effects] = await Promise.all([
    startTestRestate(),
    startEffectServer({ delayMs: { hanging: FOR_EVER_MS }, fail: ({ name }, n) => statuses[name]?.(n) }),
  ]);
}, 60_000);
afterAll(() => Promise.all([stack.restate.stop(), effects.close()]));

describe.each(["workerd", "deno"] as const)("%s", (runtime) => {
  let endpoint: ServedEndpoint;
  beforeAll(async () => {
    effects.reset();
    const entry = new URL(`../fixtures/smoke/${runtime === "deno" ? "deno" : "worker"}.ts`, import.meta.url).pathname;
    const options = { entry, vars: { ...stack.vars, EFFECT_URL: effects.url } };
    endpoint = await (runtime === "deno" ? serveDeno(options) : serveWorker(options));
    await stack.restate.register(`${endpoint.url}/restate`, { http11: endpoint.http11 });
  }, 60_000);
  afterAll(() => endpoint.stop());

  test.concurrent.each([
    ["plain", 200, { ok: true, steps: STEPS }, 0],
    ["fine", 200, { ok: true, steps: [...STEPS, "smoke check"] }, 1],
    ["flaky", 200, { ok: true, steps: [...STEPS, "smoke check"] }, 3],
    ["broken", 500, { message: "The provider answered 500" }, 3],
    ["refused", 500, { message: "The token is not valid" }, 1],
    ["hanging", 500, { message: "The check did not end within 200 ms" }, 3],
    ["deaf", 500, { message: "The check did not end within 200 ms" }, 3],
  ])("smoke.%s answers %d", async (name, status, body, attempts) => {
    const answer = await stack.restate.call(`smoke.${name}/run`, undefined, { idempotencyKey: `${runtime} ${name}` });
    expect(answer).toMatchObject({ status, body });
    expect(effects.effects.filter((effect) => effect.name === name).length).toBe(attempts);
  });

  test("the registration tells which handler to call", async () => {
    const services = await new AdminClient({ url: stack.restate.adminUrl, ...tokenOf(stack) }).services.list();
    expect(services.map(({ metadata }) => metadata?.["restate-edge-agents/smoke"])).toEqual(services.map(() => "run"));
    expect(services).toHaveLength(7);
  });
});

const tokenOf = ({ restate }: TestRestate): { readonly token?: string } =>
  restate.token === undefined ? {} : { token: restate.token };
