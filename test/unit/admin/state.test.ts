import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AdminHttp } from "../../../src/admin/admin-http.ts";
import { ObjectStates } from "../../../src/admin/state/state.ts";

const states = new ObjectStates(new AdminHttp({ url: "http://restate.test:9070" }));
let stored: Record<string, string>;
let requests = 0;

/** Answers queries for the state of one object. `applies`: replaces it when asked to. */
function restate({ applies }: { readonly applies: boolean }): void {
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    requests += 1;
    const { query, new_state: next } = JSON.parse(init.body as string) as {
      query?: string;
      new_state?: Record<string, number[]>;
    };
    if (query === undefined) {
      if (applies) {
        const written = Object.entries(next ?? {}).map(([name, bytes]) => [
          name,
          Buffer.from(bytes).toString("base64"),
        ]);
        stored = Object.fromEntries(written) as Record<string, string>;
      }
      return Promise.resolve(new Response(null, { status: 202 }));
    }
    const rows = query.includes("sum(") ? [{}] : Object.entries(stored).map(([key, value]) => ({ key, value }));
    return Promise.resolve(Response.json({ rows }));
  });
}

beforeEach(() => {
  stored = { a: btoa("1") };
  requests = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a replacement that waits behind an invocation costs few requests", async () => {
  // Waiting takes no time but on the clock.
  vi.useFakeTimers({ toFake: ["Date"] });
  const { setTimeout: start } = globalThis;
  const waits: number[] = [];
  vi.stubGlobal("setTimeout", (action: () => void, ms: number) => {
    if (ms > 3000) return start(action, ms);
    waits.push(ms);
    vi.setSystemTime(Date.now() + ms);
    return start(action, 0);
  });
  restate({ applies: false });
  expect(await states.replace("Notebook", "ada", { a: { json: 2 } })).toMatchObject({ applied: false });
  expect(waits).toEqual([50, 100, 200, 400, 800, 800, 650]);
  expect(requests).toBeLessThanOrEqual(20);
});

test("one that is applied is seen at once", async () => {
  restate({ applies: true });
  expect(await states.replace("Notebook", "ada", { a: { json: 2 } })).toMatchObject({ applied: true });
  expect(requests).toBe(5);
});

test("a value of any name is written and read", async () => {
  restate({ applies: true });
  const values = JSON.parse('{"__proto__":{"json":1},"constructor":{"json":{"__proto__":2}}}') as {};
  await states.replace("Notebook", "ada", values);
  expect(JSON.stringify((await states.get("Notebook", "ada")).values)).toBe(JSON.stringify(values));
});

test("a value that is nested too deeply for JSON is shown in base64, and is written back as it was", async () => {
  restate({ applies: true });
  const deep = btoa("[".repeat(100_000) + "]".repeat(100_000));
  stored = { a: deep };
  const { values } = await states.get("Notebook", "ada");
  expect(values).toEqual({ a: { base64: deep } });
  stored = {};
  await states.replace("Notebook", "ada", values);
  expect(stored).toEqual({ a: deep });
});
