import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { wranglerFailure } from "../../../cli/cloudflare/wrangler-failure.ts";
import { wranglerCause, wranglerReason } from "../../../cli/cloudflare/wrangler-reason.ts";
import { runWrangler } from "../../../cli/cloudflare/wrangler.ts";
import type { Project } from "../../../cli/project/project.ts";
import { Redactor } from "../../../cli/tool/redact.ts";
import { JsonReporter } from "../../../cli/tool/reporter.ts";
import type { Tool } from "../../../cli/tool/tool.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A project with the real wrangler, or with a script in its place. */
async function projectWith(script?: string): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "wrangler-test-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const configPath = join(folder, "wrangler.toml");
  await writeFile(configPath, 'name = "agents"\nmain = "index.js"\ncompatibility_date = "2025-10-01"\n');
  await writeFile(join(folder, "index.js"), "export default { fetch: () => new Response() };");
  await mkdir(join(folder, "node_modules"));
  const installed = join(folder, "node_modules/wrangler");
  if (script === undefined) {
    await symlink(await realpath("node_modules/wrangler"), installed);
  } else {
    await mkdir(join(installed, "bin"), { recursive: true });
    await writeFile(join(installed, "package.json"), '{"name":"wrangler"}');
    await writeFile(join(installed, "bin/wrangler.js"), script);
  }
  return { folder, configPath, environment: undefined, worker: { name: "agents" } as Project["worker"] };
}

/** This machine's own settings of Cloudflare are left out; a login too. */
function toolIn({ folder }: Project, more: Tool["environment"] = {}, signal = new AbortController().signal): Tool {
  const environment = { PATH: process.env["PATH"], HOME: folder, XDG_CONFIG_HOME: folder, ...more };
  return {
    flags: { cwd: folder, json: true, dryRun: false, yes: true },
    environment,
    reporter: new JsonReporter(),
    redactor: new Redactor(environment),
    signal,
    confirm: async () => true,
  };
}

/** A Cloudflare that refuses everything. */
async function refusing(status: number, code: number, message: string): Promise<Tool["environment"]> {
  const server = createServer((_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  return {
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${address.port}`,
    CLOUDFLARE_API_TOKEN: "a-token-of-nobody",
    CLOUDFLARE_ACCOUNT_ID: "account",
  };
}

describe("the real wrangler", { timeout: 60_000 }, () => {
  const list = { args: ["deployments", "list", "--json"] };

  test("without a token is a usage error that says what to set", async () => {
    const project = await projectWith();
    await expect(runWrangler(toolIn(project), project, list)).rejects.toMatchObject({
      code: "cloudflare-token-missing",
      exitCode: 2,
      message: "Cannot run wrangler deployments list: CLOUDFLARE_API_TOKEN is not set, and nobody is logged in",
      hint: expect.stringContaining("Workers Scripts: Edit") as string,
    });
  });

  test("with a token that Cloudflare refuses tells what was refused, alone, and the permission", async () => {
    const project = await projectWith();
    const tool = toolIn(project, await refusing(403, 10000, "Authentication error"));
    await expect(runWrangler(tool, project, { args: ["versions", "upload"] })).rejects.toMatchObject({
      code: "cloudflare-unauthorized",
      exitCode: 4,
      message: [
        "Cannot run wrangler versions upload: Cloudflare refuses the token",
        "[ERROR] A request to the Cloudflare API (/accounts/account/workers/services/agents) failed.",
        "  Authentication error [code: 10000]",
      ].join("\n"),
      hint: expect.stringContaining('"Workers Scripts: Edit"') as string,
      details: { cloudflareCode: 10000 },
    });
  });

  test("whose bundle does not build tells where", async () => {
    const project = await projectWith();
    await writeFile(join(project.folder, "index.js"), "\nexport default {");
    const failure: unknown = await runWrangler(toolIn(project), project, {
      args: ["deploy", "--dry-run", "--outdir", "out"],
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "wrangler-failed",
      message: [
        "Cannot run wrangler deploy --dry-run: exit code 1",
        "[ERROR] Build failed with 1 error:",
        "[ERROR] Expected identifier but found end of file",
        "  index.js:2:16:",
      ].join("\n"),
    });
  });
});

describe("the cause of a failure", () => {
  test("has no control characters, stack traces, or hints for wrangler's authors", () => {
    const log = [
      "\u001B[31m✘ \u001B[41;31m[\u001B[41;97mERROR\u001B[41;31m]\u001B[0m \u001B[1mNo such zone\u001B[0m\u0007\r",
      "",
      "  It is not yours",
      "      2 │ code",
      "    at run (/app/cli.js:1:2)",
      "  If you think this is a bug, please open an issue",
      '🪵  Logs were written to "x.log"',
      "  after it",
    ].join("\n");
    expect(wranglerCause(log)).toBe("[ERROR] No such zone\n  It is not yours");
  });

  test("is the end of the log when wrangler names none", () => {
    expect(wranglerCause("one\ntwo\nTypeError: no\n    at a (/b.js:1:1)\n")).toBe("one\ntwo\nTypeError: no");
  });

  test("is found far from the end of the log", () => {
    expect(wranglerCause(`✘ [ERROR] The cause\n${"noise\n".repeat(5_000)}`)).toBe("[ERROR] The cause");
  });

  test("in one line tells what a request was answered", () => {
    expect(wranglerReason("✘ [ERROR] A request (/x) failed.\n\n  Too many [code: 971]\n")).toBe(
      "A request (/x) failed. Too many [code: 971]",
    );
  });

  test("names the permission for what was asked", () => {
    const log = "[ERROR] A request to the Cloudflare API (/accounts/a/storage/kv/namespaces) failed.";
    const { hint } = wranglerFailure({ command: "deploy", ended: "exit code 1", log, cloudflareCode: 10000 });
    expect(hint).toContain('"Workers KV Storage: Edit"');
  });
});

describe("a wrangler that ignores SIGTERM", { timeout: 20_000 }, () => {
  const stubborn = 'process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000);';

  test("is gone a few seconds after Ctrl-C", async () => {
    const project = await projectWith(stubborn);
    const interrupt = new AbortController();
    const reason = new Error("Interrupted");
    let pid = 0;
    const onLine = (line: string): void => {
      pid = Number(line);
      interrupt.abort(reason);
    };
    const run = runWrangler(toolIn(project, {}, interrupt.signal), project, { args: ["tail"], onLine });
    await expect(run).rejects.toBe(reason);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("is gone a few seconds after its time is over", async () => {
    const project = await projectWith(stubborn);
    const run = runWrangler(toolIn(project), project, { args: ["tail"], timeoutMs: 500 });
    await expect(run).rejects.toMatchObject({
      code: "wrangler-failed",
      message: "Cannot run wrangler tail: it was stopped\n[ERROR] It was not done within 0.5 s",
    });
  });
});
