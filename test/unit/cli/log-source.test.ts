import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tail, tailArgs } from "../../../cli/logs/tail.ts";
import { logSourceOf } from "../../../cli/logs/where.ts";
import type { Project } from "../../../cli/project/project.ts";
import { Redactor } from "../../../cli/tool/redact.ts";
import { JsonReporter } from "../../../cli/tool/reporter.ts";
import type { Tool } from "../../../cli/tool/tool.ts";
import { registered } from "./registered-versions.ts";

const project = { worker: { name: "agents" } } as Project;

test("of version URLs there are no logs: the app's own are shown, and what to do instead is told", () => {
  const { worker, notes } = logSourceOf(project, registered("1a2b3c4d"));
  expect(worker).toBe("agents");
  expect(notes.join("\n")).toMatch(/version URLs.* are in no log[^]*`journal <invocation>`/);
});

test("of one Worker per version, that Worker's are shown", () => {
  const version = registered("a1", { platform: "worker-per-version", worker: "agents-a1" });
  expect(logSourceOf(project, version)).toMatchObject({ worker: "agents-a1" });
});

test("of other platforms it is told where they are", () => {
  const deno = logSourceOf(project, registered("r1", { platform: "deno-deploy", worker: undefined }));
  expect(deno.worker).toBeUndefined();
  expect(deno.notes.join()).toContain("Deno Deploy");
  expect(logSourceOf(undefined, registered("r1", { platform: "url" })).notes.join()).toContain("docker logs");
  expect(logSourceOf(undefined, undefined).notes.join()).toContain("run this in the project's folder");
});

test("wrangler tails the Worker by its name", () => {
  expect(tailArgs({ worker: "agents-a1", format: "json", flags: ["--search", "x"] })).toEqual([
    "tail",
    "agents-a1",
    "--format",
    "json",
    "--search",
    "x",
  ]);
});

/** Writes a secret in two pieces, on both outputs, and ends with 7 or goes on until it is stopped. */
const WRANGLER = `
const [, , , worker] = process.argv;
if (worker === "agents-stays") process.on("SIGTERM", () => {});
process.stdout.write("GET https://agents.example.com/?key=tok", () => setTimeout(() => {
  process.stdout.write("en-1234567 - Ok" + (process.env.FORCE_COLOR ?? "") + "\\n");
  process.stderr.write("refused: token-1234567\\n");
  if (worker === "agents-ends") process.exitCode = 7;
  else setInterval(() => {}, 1000);

}, 50));
`;

interface Tailed {
  readonly out: string;
  readonly err: string;
  readonly error: unknown;
}

/** @param isTTY Whether the log is shown on a terminal. */
async function tailed(worker: string, { isTTY = false } = {}): Promise<Tailed> {
  const folder = await mkdtemp(join(tmpdir(), "tail-"));
  try {
    await mkdir(join(folder, "node_modules/wrangler/bin"), { recursive: true });
    await writeFile(join(folder, "node_modules/wrangler/package.json"), '{"name":"wrangler"}');
    await writeFile(join(folder, "node_modules/wrangler/bin/wrangler.js"), WRANGLER);
    const interrupt = new AbortController();
    const environment = { PATH: process.env["PATH"], CLOUDFLARE_API_TOKEN: "token-1234567" };
    const tool: Tool = {
      flags: { cwd: folder, json: false, dryRun: false, yes: true },
      environment,
      reporter: new JsonReporter(),
      redactor: new Redactor(environment),
      signal: interrupt.signal,
      confirm: async () => true,
    };
    let out = "";
    let err = "";
    const stdout = { isTTY, write: (text: string) => (out += text) };
    // The last thing that it says.
    const stderr = { write: (text: string) => ((err += text), interrupt.abort(new Error("Interrupted"))) };
    const own =
      worker === "agents-ends" ? { stdout, stderr: { write: (text: string) => (err += text) } } : { stdout, stderr };
    const at = { folder, configPath: join(folder, "wrangler.toml") } as Project;
    const error: unknown = await tail(tool, at, { worker, format: "pretty", flags: [] }, own).catch(
      (thrown: unknown) => thrown,
    );
    return { out, err, error };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("what wrangler says is passed on without secrets, also one that comes in two pieces", async () => {
  const { out, err, error } = await tailed("agents-ends");
  expect(out).toBe("GET https://agents.example.com/?key=*** - Ok\n");
  expect(err).toBe("refused: ***\n");
  expect(error).toMatchObject({ code: "wrangler-failed", message: expect.stringMatching(/exit code 7$/) as string });
});

test("the log ends with Ctrl-C when wrangler does not", async () => {
  expect(await tailed("agents-stays")).toMatchObject({ err: "refused: ***\n", error: undefined });
});

test("the log ends with Ctrl-C, without a failure, and has colours on a terminal", async () => {
  expect(await tailed("agents", { isTTY: true })).toEqual({
    out: "GET https://agents.example.com/?key=*** - Ok1\n",
    err: "refused: ***\n",
    error: undefined,
  });
});
