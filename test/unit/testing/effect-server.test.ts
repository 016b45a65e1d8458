import { afterEach, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../../src/testing/index.ts";

let server: EffectServer;
afterEach(() => server.close());

async function make(name: string, key: string, signal?: AbortSignal): Promise<{ status: number; body: unknown }> {
  const request = { method: "POST", body: JSON.stringify({ key }), ...(signal === undefined ? {} : { signal }) };
  const response = await fetch(`${server.url}/effect/${name}`, request);
  return { status: response.status, body: await response.json() };
}

test("effects are counted by name and key, in order", async () => {
  server = await startEffectServer();
  for (const key of ["a", "b", "a"]) await make("book", key);
  await make("pay", "a");
  expect([server.count("book"), server.count("book", "a"), server.count("pay"), server.count("fly")]).toEqual([
    3, 2, 1, 0,
  ]);
  expect(Object.fromEntries(server.counts())).toEqual({ "book a": 2, "book b": 1, "pay a": 1 });
  expect(server.effects.map(({ name, key }) => `${name} ${key}`)).toEqual(["book a", "book b", "book a", "pay a"]);
  server.reset();
  expect(server.effects).toEqual([]);
});

test("delays are by name, and overlap is seen", async () => {
  server = await startEffectServer({ delayMs: { slow: 80 } });
  await Promise.all([make("slow", "1"), make("slow", "2"), make("quick", "3")]);
  expect(server.highWater).toBe(3);
  const [slow, quick] = ["1", "3"].map((key) => server.effects.find((effect) => effect.key === key));
  expect((slow?.finishedAt ?? 0) - (slow?.startedAt ?? 0)).toBeGreaterThanOrEqual(75);
  expect(quick?.finishedAt).toBeLessThan(slow?.finishedAt ?? 0);
});

test("a refused effect is not counted, and the next one may be made", async () => {
  server = await startEffectServer({ fail: (_, n) => (n < 2 ? 503 : undefined) });
  const answers = [await make("book", "a"), await make("book", "a"), await make("book", "a")];
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 200]);
  expect(server.effects.map(({ failedWith }) => failedWith)).toEqual([503, 503, undefined]);
  expect(server.count("book", "a")).toBe(1);
});

test.each([
  { transactional: true, count: 0 },
  { transactional: false, count: 1 },
])("an effect whose client went away counts $count times when transactional is $transactional", async (given) => {
  server = await startEffectServer({ delayMs: 500, transactional: given.transactional });
  const client = new AbortController();
  const making = make("book", "a", client.signal);
  await server.waitFor((effects) => effects.length === 1);
  client.abort();
  await expect(making).rejects.toThrow(/abort/i);
  await server.waitFor((effects) => effects.every(({ finishedAt }) => finishedAt !== undefined));
  expect(server.count("book")).toBe(given.count);
});

test("waitFor() gives up", async () => {
  server = await startEffectServer();
  await expect(server.waitFor(() => false, 20)).rejects.toThrow("Waited for effects: not within 20 ms");
});
