/** A project that ships a clerk: a folder with wrangler's configuration and an entry, and nothing else. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { wranglerToml } from "./wrangler-toml.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");

/** What is different from one project to the next. */
export interface ClerkProjectOptions {
  /** Name of the Worker. */
  readonly worker: string;
  /** Name of the service. */
  readonly service: string;
  readonly vars: Readonly<Record<string, string>>;
  /** More of wrangler's configuration. */
  readonly tables?: string;
}

/** Versions of the source. */
export type ClerkSource = "old" | "changed";

export interface ClerkProject extends AsyncDisposable {
  readonly folder: string;
  /** The next deployment is of this source. `more`: what else the entry says before it exports the app. */
  write(source: ClerkSource, more?: EntryOptions): Promise<void>;
}

/** What an entry may do besides. */
export interface EntryOptions {
  /** Expression of the function that the smoke service calls. */
  readonly check?: string;
  /** Statements. `app` is the app; what is exported is `served`, which is the app unless they say otherwise. */
  readonly statements?: string;
}

export async function clerkProject(options: ClerkProjectOptions): Promise<ClerkProject> {
  const folder = await mkdtemp(join(tmpdir(), "clerk-project-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(REPOSITORY, "node_modules/wrangler"), join(folder, "node_modules/wrangler"), "dir");
  await writeFile(join(folder, "package.json"), `{"name":"${options.worker}","private":true,"type":"module"}`);
  const { worker: name, vars, tables = "" } = options;
  await writeFile(join(folder, "wrangler.toml"), wranglerToml({ name, vars, tables }));
  return {
    folder,
    write: (source, more = {}) => writeFile(join(folder, "worker.ts"), entryOf(options.service, source, more)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function entryOf(service: string, source: ClerkSource, { check = "() => {}", statements = "" }: EntryOptions): string {
  const library = (path: string): string => JSON.stringify(join(REPOSITORY, path));
  return `import { smokeService, TerminalError } from ${library("src/index.ts")};
import { createEdgeApp } from ${library("routes/index.ts")};
import { clerk } from ${library(`test/fixtures/shipped/${source}.ts`)};

const smoke = smokeService("${service}Smoke", { check: ${check} });
const app = createEdgeApp({ services: [clerk("${service}"), smoke] });
let served = app;
${statements}
export default served;
`;
}
