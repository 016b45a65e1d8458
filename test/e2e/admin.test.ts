/** The admin routes, in workerd, against a real Restate. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/admin-client.ts";
import { AdminStack } from "./admin-stack.ts";

const UNKNOWN_DEPLOYMENT = "dp_117Sc4tiwdHF3JmbS5fTblD";
let stack: AdminStack;
const ask: AdminStack["ask"] = (...request) => stack.ask(...request);
const dryRun = async (version: string, options = {}): Promise<unknown> => {
  const request = { uri: stack.uri(version), http11: true, dryRun: true, ...options };
  const { status, body } = await ask("POST", "/deployments", request);
  expect(status).toBe(200);
  return body;
};

beforeAll(async () => {
  stack = await AdminStack.start();
});
afterAll(() => stack.stop());

test("GET /version names Restate's version and features", async () => {
  expect(await ask("GET", "/version")).toMatchObject({
    status: 200,
    body: { version: "1.7.12", minAdminApiVersion: 2, maxAdminApiVersion: 4, features: { protocol_v7: false } },
  });
  const client = new AdminClient({ url: stack.restate.adminUrl, token: stack.restate.token });
  await client.health();
  expect(await client.clusterHealth()).toMatchObject({ clusterName: "localcluster" });
});

// One after another: each begins where the one before it ended.
describe("the life of deployments", () => {
  let first: string;
  let second: string;
  let third: string;

  test("a dry run tells what is new and registers nothing", async () => {
    expect(await dryRun("v1")).toEqual({
      dryRun: true,
      outcome: "created",
      services: [
        expect.objectContaining({ name: "Counter", change: "new", type: "VirtualObject", breaking: false }),
        expect.objectContaining({ name: "Greeter", change: "new", addedHandlers: ["greet", "hold", "old", "wait"] }),
      ],
    });
    expect(await ask("GET", "/deployments")).toMatchObject({ status: 200, body: { deployments: [] } });
  });

  test("a new deployment is 201 with its location, and no secret of its headers is shown", async () => {
    const headers = { "x-key": "hush-hush" };
    const metadata = { git_sha: "abc" };
    const answer = await ask("POST", "/deployments", { uri: stack.uri("v1"), http11: true, headers, metadata });
    expect(answer).toMatchObject({ status: 201, body: { dryRun: false, outcome: "created" } });
    first = (answer.body as { deploymentId: string }).deploymentId;
    expect(answer.headers.get("location")).toBe(`/admin/deployments/${first}`);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const got = await ask("GET", `/deployments/${first}`);
    expect(got).toMatchObject({
      status: 200,
      body: {
        id: first,
        uri: stack.uri("v1"),
        httpVersion: "HTTP/1.1",
        protocolType: "RequestResponse",
        headers: { "x-key": "***" },
        metadata,
        drain: { pinnedInvocations: 0, latestOf: ["Counter", "Greeter"], drained: false },
      },
    });
    const listed = await ask("GET", "/deployments");
    expect(listed.body).toMatchObject({ deployments: [{ id: first, headers: { "x-key": "***" } }] });
    expect(JSON.stringify([got, listed])).not.toContain("hush-hush");
  });

  test("a known URI is not asked again", async () => {
    const request = { uri: stack.uri("v1"), http11: true };
    expect(await ask("POST", "/deployments", request)).toMatchObject({
      status: 200,
      body: { outcome: "known", deploymentId: first, services: [{ change: "none" }, { change: "none" }] },
    });
    expect(await dryRun("v1")).toMatchObject({ dryRun: true, outcome: "known", deploymentId: first });
  });

  test("a dry run tells what a next version changes, and then it is so", async () => {
    const services = [
      { name: "Counter", change: "updated", revision: 2, addedHandlers: [], removedHandlers: [] },
      {
        name: "Greeter",
        change: "updated",
        revision: 2,
        breaking: false,
        addedHandlers: ["fresh"],
        removedHandlers: ["hold", "old"],
        previous: { type: "Service", revision: 1, deploymentId: first },
      },
    ];
    expect(await dryRun("v2")).toMatchObject({ outcome: "created", services });
    second = await stack.register("v2");
    expect((await ask("GET", `/services/Greeter`)).body).toMatchObject({ deploymentId: second, revision: 2 });
  });

  test("a dry run of a breaking change tells why, and what would help", async () => {
    expect(await dryRun("breaking")).toMatchObject({
      outcome: "refused",
      services: [
        { name: "Greeter", type: "VirtualObject", change: "updated", breaking: true, previous: { type: "Service" } },
      ],
      refusal: {
        reason: expect.stringContaining("changing the service type") as string,
        restateCode: "META0006",
        acceptedWith: "breaking",
      },
    });
    expect(await dryRun("breaking", { breaking: true })).toMatchObject({ outcome: "created" });
    const refused = await ask("POST", "/deployments", { uri: stack.uri("breaking"), http11: true });
    expect(refused).toMatchObject({ status: 409, body: { code: "restate-refused", restateCode: "META0006" } });
  });

  test("an endpoint that serves nothing is the caller's mistake", async () => {
    const request = { uri: stack.uri("nothing"), http11: true };
    expect(await ask("POST", "/deployments", request)).toMatchObject({
      status: 422,
      body: { code: "restate-refused", restateCode: "META0003" },
    });
    expect(await dryRun("nothing")).toMatchObject({
      outcome: "refused",
      services: [],
      refusal: { restateCode: "META0003" },
    });
  });

  test("force takes over what a known URI serves now", async () => {
    third = await stack.register("shaped", { headers: { "x-shape": "v1" } });
    const shape = { headers: { "x-shape": "breaking" } };
    expect(await dryRun("shaped", { ...shape, force: true })).toMatchObject({
      outcome: "overwritten",
      deploymentId: third,
      services: [
        { name: "Counter", change: "removed", breaking: true, removedHandlers: ["add"] },
        { name: "Greeter", change: "updated", breaking: true },
      ],
    });
    expect(await stack.register("shaped", { headers: { "x-shape": "v2" }, force: true })).toBe(third);
    expect((await ask("GET", "/services/Greeter/handlers/fresh")).status).toBe(200);
  });

  test("PATCH changes what is sent to a deployment, and discovers again with overwrite", async () => {
    const changed = await ask("PATCH", `/deployments/${third}`, { headers: { "x-shape": "v1" }, overwrite: true });
    expect(changed).toMatchObject({ status: 200, body: { id: third, headers: { "x-shape": "***" } } });
    expect((await ask("GET", "/services/Greeter/handlers/fresh")).status).toBe(404);
    const dry = await ask("PATCH", `/deployments/${third}`, { uri: stack.uri("v2"), http11: true, dryRun: true });
    expect(dry.status).toBe(200);
    expect((await ask("GET", `/deployments/${third}`)).body).toMatchObject({ uri: stack.uri("shaped") });
  });

  test("a deployment that is the latest of a service is not deleted", async () => {
    const answer = await ask("DELETE", `/deployments/${third}`);
    expect(answer).toMatchObject({
      status: 409,
      body: { code: "deployment-in-use", drain: { pinnedInvocations: 0, latestOf: ["Counter", "Greeter"] } },
    });
    expect((await ask("GET", `/deployments/${third}`)).status).toBe(200);
  });

  test("a deployment is not deleted while an invocation is pinned to it", async () => {
    const id = await stack.restate.send("Greeter/wait");
    await stack.restate.waitForStatus(id, "suspended");
    await stack.register("v2", { force: true });
    const drain = { pinnedInvocations: 1, latestOf: [], drained: false };
    expect((await ask("GET", `/deployments/${third}`)).body).toMatchObject({ drain });
    expect(await ask("DELETE", `/deployments/${third}?force=false`)).toMatchObject({
      status: 409,
      body: { code: "deployment-in-use", drain, detail: expect.stringContaining("1 invocation") as string },
    });
    await stack.restate.killInvocation(id);
    await stack.restate.waitForStatus(id, "completed");
    expect((await ask("GET", `/deployments/${third}`)).body).toMatchObject({ drain: { drained: true } });
    expect((await ask("DELETE", `/deployments/${third}`)).status).toBe(204);
    expect((await ask("GET", `/deployments/${third}`)).status).toBe(404);
  });

  test("force deletes what is in use", async () => {
    expect((await ask("DELETE", `/deployments/${second}`)).status).toBe(409);
    expect((await ask("DELETE", `/deployments/${second}?force=true`)).status).toBe(204);
    expect((await ask("GET", "/deployments")).body).toMatchObject({ deployments: [{ id: first }] });
  });

  test.each(["GET", "DELETE"])("%s of an unknown deployment is 404", async (method) => {
    expect(await ask(method, `/deployments/${UNKNOWN_DEPLOYMENT}`)).toMatchObject({
      status: 404,
      body: { code: "restate-refused" },
    });
  });
});

describe("services", () => {
  beforeAll(async () => {
    await stack.register("v1", { force: true });
  });

  test("are listed and told, with their handlers", async () => {
    const { body } = await ask("GET", "/services");
    expect((body as { services: { name: string }[] }).services.map(({ name }) => name).sort()).toEqual([
      "Counter",
      "Greeter",
    ]);
    expect((await ask("GET", "/services/Counter")).body).toMatchObject({
      type: "VirtualObject",
      public: true,
      handlers: [{ name: "add", type: "Exclusive" }],
      retryPolicy: { maxAttempts: 70, onMaxAttempts: "Pause" },
    });
    expect((await ask("GET", "/services/Counter/handlers")).body).toMatchObject({ handlers: [{ name: "add" }] });
    expect((await ask("GET", "/services/Counter/handlers/add")).body).toMatchObject({ name: "add", type: "Exclusive" });
    expect((await ask("GET", "/services/Counter/openapi")).body).toMatchObject({
      openapi: expect.any(String) as string,
    });
    for (const path of ["/services/None", "/services/None/handlers", "/services/Counter/handlers/none"]) {
      expect(await ask("GET", path)).toMatchObject({ status: 404, body: { code: "restate-refused" } });
    }
  });

  test("are changed: a private one is no longer the ingress's to call", async () => {
    const changes = { public: false, journalRetention: "90s", abortTimeout: "PT5M" };
    const changed = await ask("PATCH", "/services/Counter", changes);
    expect(changed).toMatchObject({
      status: 200,
      body: { public: false, journalRetention: "1m 30s", abortTimeout: "5m" },
    });
    expect((await stack.restate.call("Counter/k/add", 1)).status).toBe(400);
    await ask("PATCH", "/services/Counter", { public: true });
    expect(await stack.restate.call("Counter/k/add", 1)).toEqual({ status: 200, body: 1 });
  });

  test("are not changed to what makes no sense", async () => {
    expect(await ask("PATCH", "/services/Counter", { inactivityTimeout: "soon" })).toMatchObject({
      status: 422,
      body: { code: "restate-refused" },
    });
    expect(await ask("PATCH", "/services/Counter", { workflowCompletionRetention: "1d" })).toMatchObject({
      status: 400,
      body: { code: "restate-refused" },
    });
  });
});

test("Kafka clusters and subscriptions are created, changed and deleted", async () => {
  const properties = { "bootstrap.servers": "127.0.0.1:1", "sasl.password": "hush-hush" };
  const created = await ask("POST", "/kafka-clusters", { name: "c1", properties });
  expect(created).toMatchObject({ status: 201, body: { name: "c1", properties: { "sasl.password": "***" } } });
  expect((await ask("POST", "/kafka-clusters", { name: "c1", properties })).status).toBe(409);
  expect((await ask("POST", "/kafka-clusters", { name: "c2", properties: {} })).status).toBe(400);

  const wanted = {
    source: "kafka://c1/orders",
    sink: "service://Counter/add",
    options: { "auto.offset.reset": "earliest" },
  };
  const subscribed = await ask("POST", "/subscriptions", wanted);
  expect(subscribed).toMatchObject({ status: 201, body: wanted });
  const { id } = subscribed.body as { id: string };
  expect((await ask("POST", "/subscriptions", { ...wanted, sink: "service://None/run" })).status).toBe(400);
  expect((await ask("GET", `/subscriptions/${id}`)).body).toMatchObject({ id });
  const sink = encodeURIComponent(wanted.sink);
  expect((await ask("GET", `/subscriptions?sink=${sink}`)).body).toMatchObject({ subscriptions: [{ id }] });
  expect((await ask("GET", "/subscriptions?source=kafka://c1/other")).body).toEqual({ subscriptions: [] });

  expect((await ask("GET", "/kafka-clusters")).body).toMatchObject({ clusters: [{ name: "c1" }] });
  expect((await ask("GET", "/kafka-clusters/c1")).body).toMatchObject({ subscriptions: [{ id }] });
  const changed = await ask("PATCH", "/kafka-clusters/c1", { properties: { "bootstrap.servers": "127.0.0.1:2" } });
  expect(changed).toMatchObject({ status: 200, body: { properties: { "bootstrap.servers": "127.0.0.1:2" } } });

  expect((await ask("DELETE", "/kafka-clusters/c1")).status).toBe(409);
  expect((await ask("DELETE", `/subscriptions/${id}`)).status).toBe(204);
  expect((await ask("GET", `/subscriptions/${id}`)).status).toBe(404);
  expect((await ask("DELETE", "/kafka-clusters/c1")).status).toBe(204);
  expect((await ask("GET", "/kafka-clusters/c1")).status).toBe(404);
});

test("force deletes a Kafka cluster that a subscription names", async () => {
  await ask("POST", "/kafka-clusters", { name: "c3", properties: { "bootstrap.servers": "127.0.0.1:1" } });
  const subscription = { source: "kafka://c3/orders", sink: "service://Counter/add" };
  const { id } = (await ask("POST", "/subscriptions", subscription)).body as { id: string };
  expect((await ask("DELETE", "/kafka-clusters/c3?force=true")).status).toBe(204);
  expect((await ask("DELETE", `/subscriptions/${id}`)).status).toBe(204);
});

test.each([
  ["GET", "/limits/rules", undefined],
  ["PUT", "/limits/rules", { rules: [{ pattern: "tenant", limits: { concurrency: 1 } }] }],
  ["POST", "/limits/rules/bulk-delete", { rules: [{ pattern: "tenant" }] }],
  ["GET", "/virtual-queues", undefined],
  ["POST", "/virtual-queues/vq_1/pause", undefined],
  ["POST", "/virtual-queues/vq_1/resume", undefined],
])(
  "%s %s is 501 on a server without flow control, which would keep rules and not apply them",
  async (method, path, body) => {
    expect(await ask(method, path, body)).toMatchObject({ status: 501, body: { code: "unsupported-by-server" } });
  },
);
