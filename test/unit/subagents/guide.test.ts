/** The guide's code is that of the examples, which test/examples/agents.test.ts runs. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

test("every piece of code in docs/agents-that-call-agents.md is in an example", () => {
  const blocks = [...read("docs/agents-that-call-agents.md").matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code = ""]) => code,
  );
  const examples = readdirSync(new URL("examples/", root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => read(`examples/${name}/agent.ts`));
  expect(blocks.length).toBe(5);
  for (const block of blocks)
    expect(
      examples.some((example) => example.includes(block)),
      block,
    ).toBe(true);
});
