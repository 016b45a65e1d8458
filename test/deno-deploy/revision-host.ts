/**
 * Builds revisions and runs them with Deno, each in a process of its own that begins with its first request.
 *
 * The build loads every module; it does not run the install command, as the apps of tests bring no packages of their own. As on
 * the platform, the module is run by `deno run --allow-all`, and has to serve by itself.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "../../src/testing/child.ts";
import { denoBinary } from "../../src/testing/packages.ts";
import { freePort } from "../../src/testing/ports.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import type { StoredRevision } from "./organization.ts";

interface Running {
  readonly child: Child;
  readonly url: URL;
}

export class RevisionHost {
  /** File with certificates that apps trust besides the public ones. */
  trusted: string | undefined;
  readonly #folder: string;
  readonly #running = new Map<string, Promise<Running>>();
  readonly #children = new Set<Child>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** True when it can be run; what the build printed is in its log. */
  async build(revision: StoredRevision): Promise<boolean> {
    const folder = this.#folderOf(revision);
    for (const [path, { content, encoding }] of Object.entries(revision.assets)) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, Buffer.from(content, encoding === "base64" ? "base64" : "utf8"));
    }
    const args = ["cache", "--quiet", entrypointOf(revision)];
    const child = this.#start({ label: "deno cache", args, cwd: folder, env: {} });
    await waitUntil("The build does not end", () => !child.alive, { child, timeoutMs: 60_000 });
    revision.log.push(...child.log().split("\n"));
    return child.exit === "exit code 0";
  }

  /** Where it answers, with these variables. @throws Error when it does not serve: the platform answers 502. */
  async urlOf(revision: StoredRevision, environment: Readonly<Record<string, string>>): Promise<URL> {
    const key = `${revision.id} ${JSON.stringify(environment)}`;
    const known = await this.#running.get(key);
    if (known?.child.alive === true) return known.url;
    const started = this.#serve(revision, environment);
    this.#running.set(key, started);
    started.catch(() => this.#running.delete(key));
    return (await started).url;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #serve(revision: StoredRevision, environment: Readonly<Record<string, string>>): Promise<Running> {
    const port = await freePort();
    const url = new URL(`http://127.0.0.1:${port}`);
    const env = {
      ...environment,
      ...(this.trusted === undefined ? {} : { DENO_CERT: this.trusted }),
      DENO_DEPLOY: "true",
      DENO_DEPLOY_BUILD_ID: revision.id,
      DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
    };
    const args = ["run", "--allow-all", "--no-prompt", entrypointOf(revision)];
    const child = this.#start({ label: `revision ${revision.id}`, args, cwd: this.#folderOf(revision), env });
    const answers = async (): Promise<boolean> => (await fetch(url).catch(() => undefined)) !== undefined;
    await waitUntil("The revision does not serve", answers, { child, timeoutMs: 30_000, everyMs: 50 });
    return { child, url };
  }

  #start(init: { label: string; args: string[]; cwd: string; env: Record<string, string> }): Child {
    const child = startChild({ ...init, command: denoBinary() });
    this.#children.add(child);
    return child;
  }

  #folderOf({ id }: StoredRevision): string {
    return join(this.#folder, id);
  }
}

/** What deno.json says goes before what the request says. */
function entrypointOf({ assets, config }: StoredRevision): string {
  const text = assets["deno.json"]?.content;
  const inSource = text === undefined ? {} : (JSON.parse(text) as { deploy?: { runtime?: { entrypoint?: string } } });
  return inSource.deploy?.runtime?.entrypoint ?? config.runtime?.entrypoint ?? "main.ts";
}

/** How long a build is in a state, so that whoever waits sees it. */
export function moment(ms: number): Promise<void> {
  return sleep(ms);
}
