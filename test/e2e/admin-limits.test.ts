/** Flow control, on a server that has it switched on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { AdminStack } from "./admin-stack.ts";

let stack: AdminStack;
const ask: AdminStack["ask"] = (...request) => stack.ask(...request);

beforeAll(async () => {
  stack = await AdminStack.start({ flowControl: true });
  await stack.register("v1");
});
afterAll(() => stack.stop());

test("rules are written, listed and deleted, with their versions as preconditions", async () => {
  const rule = { pattern: "tenant/*", limits: { concurrency: 2 }, description: "two at once" };
  const written = await ask("PUT", "/limits/rules", { rules: [rule, { pattern: "*" }] });
  const lastModifiedMs = expect.any(Number) as number;
  expect(written).toMatchObject({
    status: 200,
    body: {
      rules: [
        { ...rule, disabled: false, version: 1, lastModifiedMs },
        { pattern: "*", limits: {} },
      ],
    },
  });
  const { rules } = written.body as { rules: { pattern: string }[] };
  expect((await ask("GET", "/limits/rules")).body).toEqual({
    rules: [...rules].sort((a, b) => (a.pattern < b.pattern ? -1 : 1)),
  });

  const insert = { ...rule, precondition: { type: "does_not_exist" } };
  expect(await ask("PUT", "/limits/rules", { rules: [insert] })).toMatchObject({
    status: 409,
    body: { code: "restate-refused" },
  });
  const replace = { pattern: rule.pattern, disabled: true, precondition: { type: "matches", version: 1 } };
  expect(await ask("PUT", "/limits/rules", { rules: [replace] })).toMatchObject({
    status: 200,
    body: { rules: [{ disabled: true, limits: {} }] },
  });
  const stale = { pattern: rule.pattern, expectedVersion: 1 };
  expect((await ask("POST", "/limits/rules/bulk-delete", { rules: [stale] })).status).toBe(409);
  const all = { rules: [{ pattern: rule.pattern }, { pattern: "*" }, { pattern: "never" }] };
  const { body } = await ask("POST", "/limits/rules/bulk-delete", all);
  expect((body as { deleted: string[] }).deleted.sort()).toEqual(["*", "tenant/*"]);
  expect((await ask("GET", "/limits/rules")).body).toEqual({ rules: [] });
});

interface Queue {
  readonly id: string;
  readonly scope?: string;
  readonly service?: string;
  readonly paused: boolean;
  readonly waiting: number;
  readonly running: number;
}

const queueOf = async (scope: string): Promise<Queue | undefined> => {
  const { body } = await ask("GET", "/virtual-queues");
  return (body as { queues: Queue[] }).queues.find((queue) => queue.scope === scope);
};

test("a queue of a scope is found, paused and resumed", async () => {
  const url = `${stack.restate.ingressUrl}/restate/scope/tenant/send/Greeter/wait`;
  const { invocationId } = (await (await fetch(url, { method: "POST", headers: stack.restate.headers })).json()) as {
    invocationId: string;
  };
  await stack.restate.waitForStatus(invocationId, "suspended");
  const queue = await queueOf("tenant");
  expect(queue).toMatchObject({ paused: false, service: "Greeter", waiting: 0, running: 0, suspended: 1 });
  for (const [action, paused] of [
    ["pause", true],
    ["resume", false],
  ] as const) {
    expect(await ask("POST", `/virtual-queues/${queue?.id}/${action}`)).toMatchObject({ status: 202, body: undefined });
    await waitUntil(`The queue is not ${action}d`, async () => (await queueOf("tenant"))?.paused === paused);
  }
  await stack.restate.killInvocation(invocationId);
});

test("a rule holds the invocations of its scope back", async () => {
  await ask("PUT", "/limits/rules", { rules: [{ pattern: "busy", limits: { concurrency: 1 } }] });
  const send = async (): Promise<unknown> =>
    (
      await fetch(`${stack.restate.ingressUrl}/restate/scope/busy/send/Greeter/hold`, {
        method: "POST",
        headers: stack.restate.headers,
      })
    ).json();
  await Promise.all([send(), send(), send()]);
  const holds = async (): Promise<boolean> => {
    const { running, waiting } = (await queueOf("busy")) ?? {};
    return running === 1 && waiting === 2;
  };
  await waitUntil("Not one runs while two wait", holds);
});

test("an unknown queue is refused", async () => {
  expect(await ask("POST", "/virtual-queues/vq_1/pause")).toMatchObject({
    status: 400,
    body: { code: "restate-refused" },
  });
});
