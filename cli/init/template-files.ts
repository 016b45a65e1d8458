/**
 * The files that a new project begins with. They are this repository's own, which its checks build, type-check and run;
 * only their imports are rewritten. The build copies them, in the same folders, to `dist/template`.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a project is served. */
export type Platform = "workers" | "deno";

/** A file of the new project. */
export interface ProjectFile {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Name of the project in the template's own files. */
const TEMPLATE_NAME = "my-agents";
/** Name of the smoke service of this repository's app, which has the app's name in it. */
const OWN_SMOKE = "smoke.restate-edge-agents";
/** Where the playground's page is: here, and in the project's node_modules. */
const OWN_PAGE = "./web/dist";
const INSTALLED_PAGE = "./node_modules/restate-edge-agents/dist/web";
const OWN_FILES = "cli/init/template";
/** Where the files of this repository lie: of the build, and of the source. */
const ROOTS = ["../../template/", "../../"];

interface Source {
  /** A file of the repository, or a folder with all that is in it. */
  readonly path: string;
  readonly only?: Platform;
  /** True: for those who ask for it. */
  readonly ci?: boolean;
}

const SOURCES: readonly Source[] = [
  { path: "agents" },
  { path: "entry/worker.ts", only: "workers" },
  { path: "entry/deno.ts" },
  { path: "wrangler.toml", only: "workers" },
  { path: ".dev.vars.example" },
  { path: OWN_FILES },
  { path: ".github/workflows", ci: true },
];

/** What differs between projects. */
export interface TemplateOptions {
  readonly name: string;
  readonly platform: Platform;
  /** True: with the workflow that deploys it. */
  readonly ci: boolean;
  /** Module specifiers of the package by the source file that they name, such as `routes/index.ts`. */
  readonly specifiers: ReadonlyMap<string, string>;
}

/**
 * Reads the files, as the project is to have them.
 *
 * @throws Error when one of them imports what is not in the project: a mistake in this repository.
 */
export function templateFiles(options: TemplateOptions): ProjectFile[] {
  const root = templateRoot();
  return SOURCES.filter(({ only = options.platform, ci = false }) => only === options.platform && (!ci || options.ci))
    .flatMap(({ path }) => filesOf(root, path))
    .map((path) => ({
      path: pathInProject(path),
      text: rewrite(path, readFileSync(join(root, path), "utf8"), options),
    }));
}

function filesOf(root: string, path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path))
    .toSorted()
    .flatMap((name) => filesOf(root, `${path}/${name}`));
}

function templateRoot(): string {
  const roots = ROOTS.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = roots.find((root) => existsSync(join(root, OWN_FILES)));
  if (found === undefined) throw new Error(`Cannot find the files of a new project in ${roots.join(" or ")}`);
  return found;
}

/** npm leaves files named `.gitignore` out of packages, so the template's begins with `_`. */
function pathInProject(path: string): string {
  return path.replace(`${OWN_FILES}/`, "").replace(/^_/, ".");
}

function rewrite(path: string, text: string, options: TemplateOptions): string {
  if (path.endsWith(".yml")) return withInstalledTool(text);
  if (path === "wrangler.toml") {
    return text.replace(/^name = .*$/m, `name = "${options.name}"`).replace(`"${OWN_PAGE}"`, `"${INSTALLED_PAGE}"`);
  }
  if (!path.endsWith(".ts")) return text.replaceAll(TEMPLATE_NAME, options.name);
  const named = text
    .replace(`"${OWN_SMOKE}"`, `"smoke.${options.name}"`)
    .replace(`".${OWN_PAGE}/"`, `".${INSTALLED_PAGE}/"`);
  const served = options.platform === "deno" ? onDeno(named) : named;
  return served.replaceAll(/from "((?:\.\.\/)+)([^"]+)"/g, (whole, up: string, target: string) => {
    const specifier = options.specifiers.get(target);
    if (specifier !== undefined) return `from "${specifier}"`;
    if (up === "../" && target.startsWith("agents/")) return whole;
    throw new Error(`Cannot make a project: ${path} imports ${up}${target}`);
  });
}

/** A project has the tool in its node_modules, and not its documentation beside it. */
function withInstalledTool(text: string): string {
  return text.replaceAll("npm run tool -- ", "npx restate-edge-agents ").replace(/: docs\/[\w-]+\.md/g, "");
}

/** The test serves what is deployed. */
function onDeno(text: string): string {
  return text.replaceAll("serveWorker", "serveDeno").replaceAll("entry/worker.ts", "entry/deno.ts");
}
