import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { IngressClient } from "../../../src/ingress/ingress-client.ts";
import { accepted, FakeRestate, ID, refused, type Reply, returned } from "../routes/agents/fake-restate.ts";

let restate: FakeRestate;
let ingress: IngressClient;
beforeAll(async () => {
  restate = await FakeRestate.start();
  ingress = client(60_000);
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
});

const client = (timeoutMs: number): IngressClient =>
  new IngressClient({ url: `${restate.url}/`, token: "token-of-restate", timeoutMs });

const json = (body: unknown): Reply => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

test("send() tells whether the invocation is new and when it starts", async () => {
  restate.reply = () => accepted();
  expect(await ingress.send({ service: "S", handler: "h" }, { body: "1" })).toEqual({ id: ID, isNew: true });
  restate.reply = () => accepted("PreviouslyAccepted");
  const target = { service: "S", key: "a/b ü?#%", handler: "h" };
  expect(await ingress.send(target, { delayMs: 1500 })).toEqual({ id: ID, isNew: false });
  expect(restate.requests.map(({ url }) => url)).toEqual([
    "/restate/send/S/h",
    "/restate/send/S/a%2Fb%20%C3%BC%3F%23%25/h?delay=1500ms",
  ]);
  expect(restate.requests.map(({ headers }) => headers["content-type"])).toEqual(["application/json", undefined]);
});

test.each(["", ".", "..", "\ud800"])("a key that no URL can carry is refused, not sent elsewhere: %j", async (key) => {
  const target = { service: "S", key, handler: "h" };
  await expect(ingress.send(target, {})).rejects.toMatchObject({ errorCode: "invalid-request", code: 400 });
  await expect(ingress.call(target, { timeoutMs: 100 })).rejects.toMatchObject({ errorCode: "invalid-request" });
  expect(restate.requests).toEqual([]);
});

test("send() gives up when its own time is over", async () => {
  restate.reply = () => "hang";
  const start = performance.now();
  const failure = ingress.send({ service: "S", handler: "h" }, { timeoutMs: 30 });
  await expect(failure).rejects.toMatchObject({ errorCode: "restate-unreachable" });
  expect(performance.now() - start).toBeLessThan(10_000);
});

test.each([".", ".."])("a service or handler named %j is refused, for a URL would lose it", async (name) => {
  for (const target of [
    { service: name, handler: "h" },
    { service: "S", handler: name },
  ]) {
    await expect(ingress.send(target, {})).rejects.toMatchObject({ errorCode: "invalid-request", code: 400 });
  }
  await expect(ingress.output(name)).rejects.toMatchObject({ errorCode: "invalid-request", code: 400 });
  expect(restate.requests).toEqual([]);
});

test("output() tells a result, a running invocation and an unknown one apart", async () => {
  restate.reply = () => returned('"done"');
  const result = await ingress.output(ID);
  expect(result).toMatchObject({ kind: "success", id: ID, contentType: "application/json" });
  restate.reply = () => refused(470, "the invocation exists but has not completed yet");
  expect(await ingress.output(ID)).toBeUndefined();
  restate.reply = () => refused(404, "invocation not found");
  await expect(ingress.output(ID)).rejects.toMatchObject({ errorCode: "invocation-not-found" });
  restate.reply = () => refused(400, "bad invocation id");
  await expect(ingress.output(ID)).rejects.toMatchObject({ errorCode: "restate-refused", code: 400 });
});

test("attach() gives up in time; an unknown invocation is not one that failed", async () => {
  restate.reply = () => "hang";
  expect(await ingress.attach(ID, 30)).toBeUndefined();
  restate.reply = ({ url }) =>
    url.includes("attach") ? refused(404, "not found", "invocation") : refused(404, "invocation not found");
  await expect(ingress.attach(ID, 60_000)).rejects.toMatchObject({ errorCode: "invocation-not-found" });
  restate.reply = () => refused(404, "not found", "invocation");
  expect(await ingress.attach(ID, 60_000)).toMatchObject({ kind: "failure", code: 404, message: "not found" });
  restate.reply = () => "cut";
  await expect(ingress.attach(ID, 60_000)).rejects.toMatchObject({ errorCode: "restate-unreachable" });
});

test("lookup() names the target as the server wants it", async () => {
  restate.reply = () => json({ invocationId: ID });
  expect(await ingress.lookup({ service: "S", handler: "h" }, "k")).toBe(ID);
  expect(await ingress.lookup({ service: "O", key: "a/b", handler: "h" }, "k")).toBe(ID);
  expect(await ingress.lookup({ service: "W", key: "w", handler: "run" })).toBe(ID);
  expect(restate.requests.map(({ url, body }) => [url, JSON.parse(body) as unknown])).toEqual([
    ["/restate/lookup", { target: "idempotentInvocation", service: "S", handler: "h", idempotencyKey: "k" }],
    [
      "/restate/lookup",
      { target: "idempotentInvocation", service: "O", key: "a/b", handler: "h", idempotencyKey: "k" },
    ],
    ["/restate/lookup", { target: "workflow", workflowName: "W", workflowKey: "w" }],
  ]);
});

test("health() lists the services; another server's page is not health", async () => {
  restate.reply = () => json({ services: ["A", "B"] });
  expect(await ingress.health()).toEqual(["A", "B"]);
  restate.reply = () => ({ status: 200, body: "<html>ok</html>" });
  await expect(ingress.health()).rejects.toMatchObject({ errorCode: "restate-unexpected", code: 502 });
  restate.reply = () => "hang";
  await expect(client(100).health()).rejects.toMatchObject({ errorCode: "restate-unreachable", code: 503 });
});
