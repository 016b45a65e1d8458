/** The handler `turns` is for the session itself, but whoever may invoke the session reaches it over the ingress. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentSession, InvalidInputError, RestateAgent } from "../../../src/index.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession, valueOf } from "./fake-session.ts";

const agent = new RestateAgent({ id: "support", model: scriptedModel([]) });
const session = new FakeSession(agentSession("Support", agent, { streams: memoryStreamStore() }));
beforeAll(() => session.start());
afterAll(() => session.stop());

test.each([undefined, null, {}, { epoch: "e" }, { epoch: "e", slots: "0" }, { epoch: "e", slots: [0.5] }, "text"])(
  "turns refuses %j for good: an attempt that fails is repeated for ever",
  async (input) => {
    const { outcome } = await session.run("turns", input);
    expect(outcome.ok ? outcome.value : outcome.error).toBeInstanceOf(InvalidInputError);
  },
);

test("turns gives nothing of a conversation that is not there", async () => {
  expect(valueOf(await session.run("turns", { epoch: "e", slots: [0], summary: 1 }))).toEqual({ turns: [] });
});
