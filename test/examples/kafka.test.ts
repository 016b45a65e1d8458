/** The example `kafka`: records of a topic reach their customer, each once, in order. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { ExampleStack } from "./example-stack.ts";
import { type KafkaBroker, startKafkaBroker } from "./kafka-broker.ts";

let broker: KafkaBroker;
let stack: ExampleStack;
beforeAll(async () => {
  broker = await startKafkaBroker();
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => Promise.all([stack.stop(), broker.close()]));

test("a record is handled once for its key, and what cannot be read is set aside", async () => {
  stack.openai.reset();
  stack.script = ({ body }) => ({
    text: JSON.stringify({ result: JSON.stringify(body["input"]).includes("Never again") ? "angry" : "content" }),
  });
  const cluster = { name: "reviews-cluster", properties: { "bootstrap.servers": broker.address } };
  expect((await stack.fetch("POST", "/admin/kafka-clusters", cluster)).status).toBe(201);
  const subscription = {
    source: "kafka://reviews-cluster/reviews",
    sink: "service://ReviewDesk/onReview",
    options: { "auto.offset.reset": "earliest" },
  };
  broker.produce("reviews", { key: "ada", value: JSON.stringify({ text: "Fine." }) });
  expect((await stack.fetch("POST", "/admin/subscriptions", subscription)).status).toBe(201);
  broker.produce("reviews", { key: "bo", value: JSON.stringify({ no: "text" }) });
  broker.produce("reviews", { key: "ada", value: JSON.stringify({ text: "Never again." }) });

  const done = async () => (await stack.restate.state("ReviewDesk", "ada"))["mood"] === "angry";
  await waitUntil("The records do not arrive", done, { timeoutMs: 60_000, everyMs: 100 });
  expect(await stack.restate.state("ReviewDesk", "bo")).toEqual({ unreadable: { no: "text" } });
  expect(stack.openai.count).toBe(2);
  await waitUntil("The offset is not committed", () => broker.committed("reviews") === 3, { timeoutMs: 30_000 });
});
