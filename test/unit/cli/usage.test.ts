import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { usageDocument, wantsJson } from "../../../cli/tool/usage-failure.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the tool as its user does. */
async function run(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["cli/main.ts", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

test.each([
  [["deploy", "--jsn", "--json"], "deploy", "unknown option '--jsn'"],
  [["invoke", "--json"], "invoke", "missing required argument"],
  [["--json", "deploi"], undefined, "unknown option '--json'"],
  [["deploi", "--json"], undefined, "unknown command 'deploi'"],
])("with --json, %j is told in one document", { timeout: 60_000 }, async (args, command, message) => {
  const { code, stdout, stderr } = await run(args);
  expect(code).toBe(2);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    ...(command === undefined ? {} : { command }),
    ok: false,
    error: {
      code: "usage",
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining("--help") as string,
    },
  });
});

test("without --json, people get the help text", { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await run(["deploy", "--jsn"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("unknown option '--jsn'");
  expect(stderr).toContain("Usage: restate-edge-agents deploy");
});

test("what wrong arguments hold of secrets is not repeated", () => {
  const environment = { RESTATE_AUTH_TOKEN: "key_secret" };
  const document = usageDocument(["status"], "error: unknown option '--token=key_secret'", ["status"], environment);
  expect(JSON.parse(document)).toMatchObject({ error: { message: "unknown option '--token=***'" } });
});

test("a --json after -- is an argument of somebody else", () => {
  expect([wantsJson(["logs", "--", "--json"]), wantsJson(["logs", "--json", "--"])]).toEqual([false, true]);
});
