/** package.json of a new project: the versions of everything are those that this package is tested with. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Platform } from "./template-files.ts";

const versions = z.record(z.string(), z.string());
const manifestSchema = z.looseObject({
  name: z.literal("restate-edge-agents"),
  version: z.string(),
  exports: z.record(z.string(), z.union([z.string(), z.looseObject({ default: z.string() })])),
  dependencies: versions,
  devDependencies: versions,
  engines: versions,
  allowScripts: z.record(z.string(), z.boolean()),
});

/** What of this package's own manifest a new project is made from. */
export type PackageManifest = z.output<typeof manifestSchema>;

/** Two folders up in the source, three in the build. */
const PATHS = ["../../package.json", "../../../package.json"];

/** Reads this package's manifest. */
export function packageManifest(): PackageManifest {
  for (const path of PATHS) {
    let text: string;
    try {
      text = readFileSync(new URL(path, import.meta.url), "utf8");
    } catch {
      continue;
    }
    return manifestSchema.parse(JSON.parse(text));
  }
  throw new Error("Cannot find the package.json of restate-edge-agents");
}

/** Module specifiers by the source file behind them: `restate-edge-agents/routes` is `routes/index.ts`. */
export function specifiersOf({ name, exports }: PackageManifest): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(exports).flatMap(([path, target]) =>
      typeof target === "string"
        ? []
        : [[target.default.replace("./dist/", "").replace(/\.js$/, ".ts"), name + path.slice(1)] as const],
    ),
  );
}

/** What differs between projects. */
export interface ManifestOptions {
  readonly name: string;
  readonly platform: Platform;
  /** The package itself: a version, or what npm takes in its place. */
  readonly packageSpec: string;
}

/** What the agents and the entry import. */
const DEPENDENCIES = ["@ai-sdk/openai", "ai", "zod"];
const DEV_DEPENDENCIES = ["@restatedev/restate-server", "@types/node", "typescript", "vitest"];
const PROGRAM = { workers: "wrangler", deno: "deno" } as const;
const INSTALL_SCRIPTS = {
  workers: ["@scarf/scarf", "esbuild", "workerd"],
  deno: ["@scarf/scarf", "deno"],
} as const;

/** The text of package.json. */
export function projectManifest(own: PackageManifest, { name, platform, packageSpec }: ManifestOptions): string {
  const developed = [...DEV_DEPENDENCIES, PROGRAM[platform]].toSorted();
  const manifest = {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    scripts: {
      start: `restate-edge-agents dev${platform === "deno" ? " --deno" : ""}`,
      test: "vitest run",
      types: "tsc",
      deploy: "restate-edge-agents deploy",
    },
    dependencies: sorted({ ...pick(own.dependencies, DEPENDENCIES), [own.name]: packageSpec }),
    devDependencies: pick(own.devDependencies, developed),
    engines: own.engines,
    // Whose install scripts npm runs: those that fetch or check a program.
    allowScripts: pick(own.allowScripts, INSTALL_SCRIPTS[platform]),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function pick<VALUE>(from: Readonly<Record<string, VALUE>>, names: readonly string[]): Record<string, VALUE> {
  return Object.fromEntries(
    names.map((name) => {
      const value = from[name];
      if (value === undefined) throw new Error(`Cannot make a project: package.json does not know ${name}`);
      return [name, value];
    }),
  );
}

function sorted(versions: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(versions).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
