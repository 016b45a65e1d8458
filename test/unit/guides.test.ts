/** The code in docs/ compiles: what is in no example is in test/types/guides.ts. The other guides have tests of their own. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

/** Without what another place changes: indentation, comments, trailing commas, how a module of ours is called. */
const bare = (code: string): string =>
  code
    .replaceAll(/\/\/ .*$|: Response(?= =>)/gm, "")
    .replaceAll("../src/stream/stream-keeper.ts", "restate-edge-agents/stream-keeper")
    .replaceAll(/\s+|,(?=\s*([)}\]]|$))/g, "");

test.each([
  ["docs/rollback.md", 3],
  ["docs/encryption.md", 1],
  ["docs/streams.md", 3],
])("every piece of code in %s is compiled", async (guide, count) => {
  const blocks = [...(await read(guide)).matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(blocks).toHaveLength(count);
  const compiled = bare(`${await read("test/types/guides.ts")}${await read("stream-worker/worker.ts")}`);
  for (const block of blocks) for (const line of statementsOf(block)) expect(compiled, line).toContain(bare(line));
});

/** A block of statements that do not belong together: one a line. Everything else: as a whole. */
function statementsOf(block: string): string[] {
  return block.startsWith("agentSession(") ? block.split("\n") : [block];
}
