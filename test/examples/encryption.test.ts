/** The example `encryption`: what Restate has of a run, and what the app shows of it. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  const vars = { JOURNAL_KEYS: `example:${randomBytes(32).toString("base64")}` };
  stack = await ExampleStack.start({ entry: "encryption/worker.ts", vars });
}, 120_000);
afterAll(() => stack.stop());

test("Restate has nothing that can be read, the app shows it, and the card's number is nowhere", async () => {
  stack.replies(
    { toolCalls: [{ id: "v1", name: "findAccount", input: { customer: "Ada" } }] },
    { text: "Ada has 120 euros on 4000 0012 3456 7899." },
  );
  const id = await stack.send("Vault/run", "How much does Ada have?");
  const { body: answer } = await stack.fetch("GET", `/agents/invocations/${id}?wait=30`);
  expect(answer).toBe("Ada has 120 euros on [card 7899].");
  const told = JSON.stringify(stack.openai.requests.at(-1)?.body);
  expect(told).toContain("[card 7899]");

  const stored = await stack.restate.query<{ raw: string }>(
    `SELECT encode(raw, 'base64') AS raw FROM sys_journal WHERE id = '${id}'`,
  );
  const bytes = Buffer.concat(stored.map(({ raw }) => Buffer.from(raw, "base64"))).toString("latin1");
  for (const text of ["Ada", "120", "card", "4000 0012"]) expect(bytes).not.toContain(text);
  expect(bytes).toContain("vault tool findAccount v1");

  const { body } = await stack.fetch("GET", `/admin/invocations/${id}/timeline?payloads=true`);
  expect(JSON.stringify(body)).toContain("Ada has 120 euros on [card 7899].");
  expect(JSON.stringify([body, told])).not.toContain("4000 0012 3456");
});
