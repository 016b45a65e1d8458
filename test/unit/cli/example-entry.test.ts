import { expect, test } from "vitest";
import { exampleEntry } from "../../../cli/stack/example-entry.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

test.each([
  [["--deno"], undefined],
  [["--examples"], "examples/worker.ts"],
  [["--examples", "--deno"], "examples/worker.ts"],
  [["--examples", "mcp"], "examples/mcp/worker.ts"],
  [["--examples", "--deno", "encryption"], "examples/encryption/worker.ts"],
])("%j serves %s", (args, entry) => {
  expect(exampleEntry(ROOT, ["node", "cli/dev.ts", ...args])).toBe(entry);
});

test("a story that is served with the others, or is none, is refused with the names of those that are apps", () => {
  expect(() => exampleEntry(ROOT, ["--examples", "chat"])).toThrow(
    /^No example "chat" is an app of its own: a2a, cloudflare-ai, .*mcp.* are; npm run examples, without a name/,
  );
});
