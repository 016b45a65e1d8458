import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { commandsInMarkdown, commandsInShell, complaintAbout } from "./documented-commands.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const WORKFLOWS = ".github/workflows";
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const filesIn = (folder: string, extension: string): readonly string[] =>
  readdirSync(join(ROOT, folder)).flatMap((name) => (name.endsWith(extension) ? [`${folder}/${name}`] : []));

const DOCUMENTS = ["README.md", ...filesIn("docs", ".md")];

const workflowSchema = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({
      "timeout-minutes": z.number(),
      environment: z.string().optional(),
      steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })),
    }),
  ),
});

describe("commands in documents are commands of the tool", () => {
  it.each(DOCUMENTS)("%s", (path) => {
    const wrong = commandsInMarkdown(read(path)).flatMap((command) => {
      const complaint = complaintAbout(command);
      return complaint === undefined ? [] : [`${command.text}: ${complaint}`];
    });
    expect(wrong).toEqual([]);
  });

  it("finds them, in blocks and in sentences", () => {
    const text =
      "Say `deploy --dry-run` or `npx restate-edge-agents status`:\n\n```sh\nnpm run deploy -- \\\n  --json | jq .\n```\n";
    expect(commandsInMarkdown(text).map(({ words }) => words)).toEqual([
      ["deploy", "--json"],
      ["deploy", "--dry-run"],
      ["status"],
    ]);
  });

  it.each([
    ["deploy --dry-runs", "does not know"],
    ["deploy --strategy both", "invalid"],
    ["deploy now", "takes no now"],
    ["journal --follow", "needs 1"],
    ["ship --json", "no command"],
    ["prune --keep", "argument missing"],
  ])("complains about %s", (text, complaint) => {
    expect(complaintAbout({ text, words: text.split(" ") })).toContain(complaint);
  });
});

describe.each(filesIn(WORKFLOWS, ".yml"))("%s", (path) => {
  const workflow = workflowSchema.parse(parse(read(path)));
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  it("runs commands that the tool has", () => {
    const commands = commandsInShell(steps.map(({ run }) => run ?? "").join("\n"));
    expect(commands.length).toBeGreaterThan(3);
    expect(commands.map(complaintAbout).filter((complaint) => complaint !== undefined)).toEqual([]);
  });

  it("runs scripts that the package has", () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read("package.json")));
    const named = steps.flatMap(({ run }) => [...(run ?? "").matchAll(/npm (?:run (?:--silent )?([\w:]+)|(test))/g)]);
    expect(named.length).toBeGreaterThan(3);
    for (const [, script, test] of named) expect(Object.keys(scripts)).toContain(script ?? test);
  });

  it("pins actions to commits, may only read, and ends", () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    expect(workflow.permissions).toEqual({ contents: "read" });
    for (const job of Object.values(workflow.jobs)) expect(job["timeout-minutes"]).toBeLessThanOrEqual(90);
  });

  it("gives secrets to jobs of an environment alone, and no command a secret or a text of the event", () => {
    const text = read(path).replaceAll(/^\s*#.*$/gm, "");
    const jobs = text.split(/^ {2}(?=[\w-]+:$)/m).slice(1);
    for (const job of jobs) if (job.includes("secrets.")) expect(job).toMatch(/^ {4}environment: \w+$/m);
    for (const { run } of steps) expect(run ?? "").not.toContain("${{");
    expect(text).not.toContain("pull_request_target");
  });
});
