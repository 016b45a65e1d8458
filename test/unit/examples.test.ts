/** What is promised of the examples' folder. */
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const ROOT = new URL("../../examples/", import.meta.url);
/** Longest story, in lines of all its files; what the scripted model says does not count. */
const MAX_LINES = 120;

const entries = await readdir(ROOT, { withFileTypes: true });
const stories = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);

test.each(stories)("%s is short, and says what it teaches", async (story) => {
  const files = (await readdir(new URL(`${story}/`, ROOT))).filter(
    (file) => file.endsWith(".ts") && file !== "script.ts",
  );
  const sources = await Promise.all(files.map((file) => readFile(new URL(`${story}/${file}`, ROOT), "utf8")));
  expect(sources.join("").split("\n").length - 1).toBeLessThanOrEqual(MAX_LINES);
  const agent = await readFile(new URL(`${story}/agent.ts`, ROOT), "utf8");
  expect(agent).toMatch(/^\/\*\*/);
});

test("the index names each story, and nothing else", async () => {
  const index = await readFile(new URL("README.md", ROOT), "utf8");
  const named = [...index.matchAll(/^\| \[([\w-]+)\]\(([\w-]+)\/agent\.ts\)/gm)].map(([, name, folder]) => {
    expect(name).toBe(folder);
    return name;
  });
  expect(new Set(named)).toEqual(new Set(stories));
});

test("each story is served by the examples' Worker, or by one of its own", async () => {
  const worker = await readFile(new URL("worker.ts", ROOT), "utf8");
  for (const story of stories) {
    const files = await readdir(new URL(`${story}/`, ROOT));
    expect(files.includes("worker.ts") || worker.includes(`"./${story}/agent.ts"`), story).toBe(true);
  }
});
