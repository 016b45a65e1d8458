import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageManifest, projectManifest, specifiersOf } from "../../../cli/init/manifest.ts";
import { nameAfter, problemOfName, requireEmptyFolder, writeProject } from "../../../cli/init/project-folder.ts";
import { type Platform, templateFiles } from "../../../cli/init/template-files.ts";

const run = promisify(execFile);
const main = new URL("../../../cli/main.ts", import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "init-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly document: Readonly<Record<string, unknown>>;
}

/** `restate-edge-agents init … --json`, as a script calls it. */
async function init(...args: readonly string[]): Promise<Ran> {
  const call = run(process.execPath, [main, "init", ...args, "--json"], { cwd: folder });
  const { code, stdout } = await call.then(
    (ended) => ({ code: 0, stdout: ended.stdout }),
    (error: { readonly code: number; readonly stdout: string }) => error,
  );
  return { code, document: JSON.parse(stdout) as Ran["document"] };
}

describe("the files of a project", () => {
  const files = (platform: Platform, ci = false): Map<string, string> =>
    new Map(
      templateFiles({ name: "acme", platform, ci, specifiers: specifiersOf(packageManifest()) }).map(
        ({ path, text }) => [path, text],
      ),
    );

  test("for Workers and for Deno", () => {
    const agents = readdirSync(new URL("../../../agents/", import.meta.url)).map((name) => `agents/${name}`);
    expect(agents).toContain("agents/weather.ts");
    const common = [...agents, ".dev.vars.example", ".gitignore", "README.md", "deno.json", "tsconfig.json"];
    const deno = [...common, "entry/deno.ts", "test/agents.test.ts"];
    expect([...files("deno").keys()].toSorted()).toEqual(deno.toSorted());
    expect([...files("workers").keys()].toSorted()).toEqual([...deno, "entry/worker.ts", "wrangler.toml"].toSorted());
  });

  test.each(["workers", "deno"] as const)("import nothing that is not there (%s)", (platform) => {
    const project = files(platform);
    const sources = [...project].filter(([path]) => path.endsWith(".ts"));
    const known = Object.keys(packageManifest().exports).map((path) => `restate-edge-agents${path.slice(1)}`);
    for (const [path, text] of sources) {
      for (const [, specifier = ""] of text.matchAll(/from "([^"]+)"/g)) {
        const imported = new URL(specifier, `file:///${path}`).pathname.slice(1);
        if (specifier.startsWith(".")) expect([...project.keys()]).toContain(imported);
        else if (specifier.startsWith("restate-edge-agents")) expect(known).toContain(specifier);
        else expect(["ai", "zod", "vitest", "@ai-sdk/openai"]).toContain(specifier);
      }
    }
  });

  test("are called as the project is, and speak of it alone", () => {
    const project = files("workers");
    expect(project.get("wrangler.toml")).toMatch(/^name = "acme"$/m);
    expect(project.get("agents/smoke.ts")).toContain('smokeService("smoke.acme"');
    expect(project.get("README.md")).toMatch(/^# acme\n/);
    for (const [path, text] of project)
      expect([path, text]).not.toEqual([path, expect.stringMatching(/my-agents|\(G\d/)]);
  });

  test("have the workflow that deploys them, with --ci, and the installed tool in it", async () => {
    const path = ".github/workflows/deploy.yml";
    expect([...files("workers").keys()]).not.toContain(path);
    const workflow = files("workers", true).get(path);
    expect(workflow).toContain("npx restate-edge-agents prune");
    expect(workflow).toContain("npm run deploy");
    expect(workflow).not.toMatch(/npm run (?!deploy)|docs\//);
    expect(await init("ci", "--deno", "--ci")).toMatchObject({ code: 2, document: { ok: false } });
  });

  test("of Deno's serve what Deno serves", () => {
    expect(files("deno").get("test/agents.test.ts")).toContain('serveDeno({ entry: "entry/deno.ts"');
    expect(files("deno").get("test/agents.test.ts")).not.toMatch(/worker/i);
  });

  test("have the versions that this package is tested with, and its own", () => {
    const own = packageManifest();
    const read = (platform: Platform): Record<string, Record<string, unknown>> =>
      JSON.parse(projectManifest(own, { name: "acme", platform, packageSpec: own.version })) as never;
    const { name, dependencies, devDependencies } = read("workers");
    expect(name).toBe("acme");
    expect(dependencies).toMatchObject({ ai: own.dependencies["ai"], "restate-edge-agents": own.version });
    expect(devDependencies).toMatchObject({ wrangler: own.devDependencies["wrangler"] });
    expect(read("deno")["devDependencies"]).not.toHaveProperty("wrangler");
    expect(read("deno")["devDependencies"]).toHaveProperty("deno");
  });
});

describe("the folder", () => {
  test("may be missing, empty, or a repository that was just made", async () => {
    await requireEmptyFolder(join(folder, "missing"));
    await mkdir(join(folder, "repository/.git"), { recursive: true });
    await requireEmptyFolder(join(folder, "repository"));
  });

  test("is refused with what is in the way, and stays as it was", async () => {
    const full = join(folder, "full");
    await mkdir(full);
    await writeFile(join(full, "package.json"), "mine");
    const { code, document } = await init("full");
    expect(code).toBe(2);
    expect(document).toMatchObject({ ok: false, error: { code: "folder-not-empty" } });
    expect(JSON.stringify(document)).toContain("it has package.json");
    expect(await readdir(full)).toEqual(["package.json"]);
    await expect(requireEmptyFolder(join(full, "package.json"))).rejects.toMatchObject({ code: "not-a-folder" });
  });

  test("never has a file overwritten, also not one that appears while the project is written", async () => {
    const late = join(folder, "late");
    await mkdir(late);
    await writeFile(join(late, "b.txt"), "mine");
    const files = [
      { path: "a.txt", text: "ours" },
      { path: "b.txt", text: "ours" },
    ];
    await expect(writeProject(late, files)).rejects.toMatchObject({ code: "file-exists" });
    expect(await readFile(join(late, "b.txt"), "utf8")).toBe("mine");
  });
});

describe("the command", () => {
  test("writes what it lists", async () => {
    const { code, document } = await init("written", "--deno", "--package", "file:../edge.tgz");
    expect(code).toBe(0);
    expect(document).toMatchObject({ ok: true, name: "written", platform: "deno", written: true, installed: false });
    expect(document["next"]).toEqual(["cd written", "npm install && npm start", "npm test"]);
    const entries = await readdir(join(folder, "written"), { recursive: true, withFileTypes: true });
    const written = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, "written/").length));
    expect(written.toSorted()).toEqual((document["files"] as string[]).toSorted());
    const manifest: unknown = JSON.parse(await readFile(join(folder, "written/package.json"), "utf8"));
    expect(manifest).toMatchObject({ dependencies: { "restate-edge-agents": "file:../edge.tgz" } });
  });

  test("names a tarball from the project", async () => {
    await writeFile(join(folder, "edge.tgz"), "");
    await init("deep/inside", "--package", "edge.tgz");
    const manifest: unknown = JSON.parse(await readFile(join(folder, "deep/inside/package.json"), "utf8"));
    expect(manifest).toMatchObject({ dependencies: { "restate-edge-agents": "file:../../edge.tgz" } });
  });

  test("--dry-run writes nothing", async () => {
    const { document } = await init("dry", "--dry-run");
    expect(document).toMatchObject({ ok: true, platform: "workers", written: false });
    expect(document["files"]).toContain("entry/worker.ts");
    expect(await readdir(folder)).not.toContain("dry");
  });

  test("refuses a bad name before it writes anything", async () => {
    const { code, document } = await init("named", "--name", "Bad_Name");
    expect([code, document]).toMatchObject([2, { error: { code: "invalid-name" } }]);
    expect(await readdir(folder)).not.toContain("named");
  });
});

describe("a name", () => {
  test.each(["a", "acme-agents", "a1", "a".repeat(54)])("may be %s", (name) => {
    expect(problemOfName(name)).toBeUndefined();
  });
  test.each(["", "A", "1a", "-a", "a-", "a--b", "a_b", "a.b", "../a", 'a"b', "ä", "a".repeat(55)])(
    "may not be %j",
    (name) => {
      expect(problemOfName(name)).toBeDefined();
    },
  );
  test("is made of the folder's", () => {
    expect(nameAfter("/home/ada/My Agents_2")).toBe("my-agents-2");
    expect(nameAfter("/home/ada/2nd")).toBe("nd");
    expect(nameAfter("/home/ada/42")).toBe("my-agents");
    expect(nameAfter(`/home/ada/${"a".repeat(53)}-b`)).toBe("a".repeat(53));
    expect(nameAfter("/")).toBe("my-agents");
  });
});
