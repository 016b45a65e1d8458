/** The example `observability`: what reaches an OTLP backend. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OtlpReceiver, startOtlpReceiver } from "../e2e/otlp-receiver.ts";
import { ExampleStack } from "./example-stack.ts";

let receiver: OtlpReceiver;
let stack: ExampleStack;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  const vars = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic key" };
  stack = await ExampleStack.start({ entry: "observability/worker.ts", vars });
}, 120_000);
afterAll(() => Promise.all([stack.stop(), receiver.close()]));

test("one trace: the run, two model calls, a tool call; with the question, without the answer", async () => {
  stack.replies({ toolCalls: [{ id: "o1", name: "count", input: { word: "durable" } }] }, { text: "Seven letters." });
  const id = await stack.send("Observed/run", "How many letters has durable?");
  await stack.restate.attach(id);
  const spans = await receiver.waitFor(id, (seen) => seen.length >= 4);
  expect(spans.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "chat gpt-5.2",
    "chat gpt-5.2",
    "execute_tool count",
    "invoke_agent observed",
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const text = JSON.stringify(spans);
  expect(text).toContain("How many letters has durable?");
  expect(text).not.toContain("Seven letters.");
  expect(receiver.headers[0]?.authorization).toBe("Basic key");
});
