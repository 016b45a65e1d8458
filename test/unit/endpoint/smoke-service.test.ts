import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { afterEach, expect, test, vi } from "vitest";
import { smokeService, type SmokeOptions, TerminalError } from "../../../src/index.ts";
import type { Context } from "../../../src/restate.ts";
import { type FakeOptions, type FakeResult, runFake } from "../../../src/testing/in-memory.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

type Smoke = ReturnType<typeof smokeService>;

/** The SDK keeps a definition's handlers under `service`. */
interface Definition {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly service?: { readonly run: (context: Context) => Promise<unknown> };
}

const definitionOf = (smoke: Smoke): Definition => smoke as object;
const call = (smoke: Smoke, options: FakeOptions = {}): Promise<FakeResult<unknown>> =>
  runFake(async (context) => definitionOf(smoke).service?.run(context), { mode: "request-response", ...options });
const smoke = (options?: SmokeOptions): Smoke => smokeService("smoke.app", options);
const failed = (message: string | RegExp): unknown => ({
  ok: false,
  error: expect.objectContaining({ message: expect.stringMatching(message) as string }) as Error,
});

test("its metadata names the handler to call", () => {
  expect(definitionOf(smoke()).metadata).toEqual({ "restate-edge-agents/smoke": "run" });
});

test("run takes two steps, and reads back what it wrote through every crash", async () => {
  const whole = await call(smoke());
  expect(whole.outcome).toEqual({ ok: true, value: { ok: true, steps: ["smoke write", "smoke read"] } });
  const crashed = await call(smoke(), { crashAt: "every" });
  expect(crashed.outcome).toEqual(whole.outcome);
  expect([...crashed.executions]).toEqual([
    ["smoke write", 1],
    ["smoke read", 1],
  ]);
  expect(crashed.attempts).toBeGreaterThan(whole.attempts);
});

test("a check is a step of its own, done once", async () => {
  const check = vi.fn<NonNullable<SmokeOptions["check"]>>();
  const { outcome } = await call(smoke({ check }), { crashAt: "every" });
  expect(outcome).toEqual({ ok: true, value: { ok: true, steps: ["smoke write", "smoke read", "smoke check"] } });
  expect(check).toHaveBeenCalledOnce();
  expect(check.mock.calls[0]?.[0]).toBeInstanceOf(AbortSignal);
});

test("a check that fails is tried three times, then the call has failed", async () => {
  const check = vi.fn(async () => {
    throw new Error("The database is down");
  });
  expect((await call(smoke({ check }))).outcome).toEqual(failed("The database is down"));
  expect(check).toHaveBeenCalledTimes(3);
});

test("a check that fails twice may succeed", async () => {
  const check = vi.fn().mockRejectedValueOnce(new Error("a")).mockRejectedValueOnce(new Error("b"));
  expect((await call(smoke({ check }))).outcome).toMatchObject({ ok: true });
  expect(check).toHaveBeenCalledTimes(3);
});

test("a terminal failure of a check is not tried again", async () => {
  const check = vi.fn(() => {
    throw new TerminalError("TOKEN is not valid");
  });
  expect((await call(smoke({ check }))).outcome).toEqual(failed("TOKEN is not valid"));
  expect(check).toHaveBeenCalledOnce();
});

test("a check that does not end is given up", async () => {
  const signals: AbortSignal[] = [];
  const check = (signal: AbortSignal): Promise<void> => {
    signals.push(signal);
    return new Promise(() => {});
  };
  const { outcome } = await call(smoke({ check, timeoutMs: 5 }));
  expect(outcome).toEqual(failed("The check did not end within 5 ms"));
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
});

test("a check cannot add to the journal", async () => {
  const outer: { context?: Context } = {};
  const { service } = definitionOf(smoke({ check: () => outer.context?.run("inner", () => 1) }));
  const { outcome } = await runFake(
    async (context) => {
      outer.context = context;
      return service?.run(context);
    },
    { mode: "request-response", maxFailures: 0 },
  );
  expect(outcome.ok).toBe(false);
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
  "timeoutMs %d is refused where it is defined",
  (timeoutMs) => {
    expect(() => smoke({ timeoutMs })).toThrow(
      `Cannot define the smoke service "smoke.app": timeoutMs must be a positive integer: current value is ${timeoutMs}`,
    );
  },
);

test("the example runs", async () => {
  const source = readFileSync(new URL("../../../src/endpoint/smoke-service.ts", import.meta.url), "utf8");
  const [, block = ""] = /^ \* ```ts\n([\s\S]*?)^ \* ```$/m.exec(source) ?? [];
  const code = stripTypeScriptTypes(block.replaceAll(/^ \* ?/gm, "")).replaceAll(/^import .*$/gm, "");
  const AsyncFunction = (async () => undefined).constructor as new (
    ...parameters: string[]
  ) => (...given: unknown[]) => Promise<Smoke>;
  const make = new AsyncFunction("smokeService", "TerminalError", code.replace("export const smoke =", "return"));
  const example = await make(smokeService, TerminalError);
  vi.stubEnv("BOOKING_TOKEN", "secret");
  const answers: number[] = [];
  const fetched = vi.fn(async () => new Response(null, { status: answers.shift() ?? 200 }));
  vi.stubGlobal("fetch", fetched);
  expect((await call(example)).outcome).toMatchObject({ ok: true, value: { ok: true } });
  expect(fetched.mock.lastCall).toMatchObject([
    "https://booking.example.com/me",
    { headers: { authorization: "Bearer secret" } },
  ]);
  answers.push(503, 500);
  expect((await call(example)).outcome).toMatchObject({ ok: true });
  answers.push(503, 503, 503);
  expect((await call(example)).outcome).toEqual(failed("The booking service answered 503"));
  answers.push(401);
  expect((await call(example)).outcome).toEqual(failed("BOOKING_TOKEN is not valid"));
  expect(fetched).toHaveBeenCalledTimes(8);
});
