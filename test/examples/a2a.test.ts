/** The example `a2a`, called by the protocol's own client. */
import { Role, type Task, TaskState } from "@a2a-js/sdk";
import { type Client, ClientFactory, JsonRpcTransportFactory } from "@a2a-js/sdk/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
let client: Client;
beforeAll(async () => {
  stack = await ExampleStack.start({ entry: "a2a/worker.ts" });
  client = await clientWith(stack.apiKey);
}, 120_000);
afterAll(() => stack.stop());

function clientWith(key: string): Promise<Client> {
  const fetchWithKey: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${key}`);
    return fetch(input, { ...init, headers });
  };
  return new ClientFactory({ transports: [new JsonRpcTransportFactory({ fetchImpl: fetchWithKey })] }).createFromUrl(
    stack.worker.url,
  );
}

async function send(
  text: string,
  { messageId = `m-${performance.now()}`, returnImmediately = false, by = client } = {},
): Promise<Task> {
  const part = {
    content: { $case: "text" as const, value: text },
    metadata: undefined,
    filename: "",
    mediaType: "text/plain",
  };
  const message = {
    messageId,
    role: Role.ROLE_USER,
    parts: [part],
    contextId: "",
    taskId: "",
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
  const configuration = { acceptedOutputModes: [], taskPushNotificationConfig: undefined, returnImmediately };
  const result = await by.sendMessage({ tenant: "", message, configuration, metadata: undefined });
  if (!("status" in result)) throw new Error("A message came instead of a task");
  return result;
}

test("a message is a task, whose artifact is the answer", async () => {
  stack.replies({ text: "Bonjour." });
  const task = await send("Good morning.");
  expect(task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  expect(task.artifacts[0]?.parts[0]?.content).toEqual({ $case: "text", value: "Bonjour." });
});

test("the same message again is the same task: the model is asked once", async () => {
  stack.replies({ text: "Bonsoir." });
  const first = await send("Good evening.", { messageId: "m-1" });
  const second = await send("Good evening.", { messageId: "m-1" });
  expect(second.id).toBe(first.id);
  expect(stack.openai.count).toBe(1);
});

test("a task goes on when nobody waits and the Worker dies, and can be asked for", async () => {
  stack.openai.reset();
  stack.script = (_, n) => (n === 0 ? { hang: true } : { text: "Bonne nuit." });
  const { id, status } = await send("Good night.", { returnImmediately: true });
  expect(status?.state).toBe(TaskState.TASK_STATE_WORKING);
  await stack.openai.waitFor(1);
  await stack.worker.kill();
  await stack.worker.start();
  const state = async () => (await client.getTask({ tenant: "", id })).status?.state;
  await waitUntil("The task does not end", async () => (await state()) === TaskState.TASK_STATE_COMPLETED, {
    timeoutMs: 60_000,
  });
  expect(stack.openai.count).toBe(2);
});

test("a task can be cancelled", async () => {
  stack.openai.reset();
  stack.script = () => ({ error: { status: 503 }, delayMs: 500 });
  const { id } = await send("Hello.", { returnImmediately: true });
  await client.cancelTask({ tenant: "", id, metadata: undefined });
  const state = async () => (await client.getTask({ tenant: "", id })).status?.state;
  await waitUntil("The task does not end", async () => (await state()) === TaskState.TASK_STATE_CANCELED, {
    timeoutMs: 30_000,
  });
});

test("an unknown task, an empty message, a streamed one and a wrong key are errors of the protocol", async () => {
  await expect(client.getTask({ tenant: "", id: "inv_unknown" })).rejects.toThrow(/no task|not found/i);
  await expect(send(" ")).rejects.toThrow("Send a text");
  await expect(send("Hello.", { by: await clientWith("wrong-key-of-nobody") })).rejects.toThrow();
});
