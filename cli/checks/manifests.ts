import { readFileSync } from "node:fs";

import { inRoot } from "../stack/paths.ts";
import { asOne, type Check } from "./check.ts";

/** package.json and deno.json say the same: one version, the same exports, the same versions of dependencies. */
export const manifests: Check = {
  name: "manifests",
  about: "package.json and deno.json agree",
  run: async () => {
    const problems = compare(readManifest("package.json"), readManifest("deno.json"));
    return asOne([{ ok: problems.length === 0, output: problems.join("\n") }]);
  },
};

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, unknown>>;
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(inRoot(path), "utf8")) as Manifest;
}

function compare(npm: Manifest, deno: Manifest): string[] {
  const problems: string[] = [];
  if (npm.version !== deno.version)
    problems.push(`Version ${npm.version} in package.json, ${deno.version} in deno.json`);
  const expected = Object.entries(npm.exports).filter(([name]) => name !== "./package.json");
  const names = new Set([...expected.map(([name]) => name), ...Object.keys(deno.exports)]);
  const built = new Map(expected.map(([name, target]) => [name, sourceOf(target)]));
  for (const name of names) {
    const [inNpm, inDeno] = [built.get(name), deno.exports[name]];
    if (inNpm !== inDeno) problems.push(`Export "${name}" is ${inNpm} in package.json, ${String(inDeno)} in deno.json`);
  }
  return [...problems, ...compareVersions(npm.dependencies ?? {}, Object.values(deno.imports).map(String))];
}

/** The source file of a built export: `./dist/src/index.js` is built from `./src/index.ts`. */
function sourceOf(target: unknown): string {
  const built: unknown = typeof target === "object" && target !== null && "default" in target ? target.default : target;
  return String(built).replace("./dist/", "./").replace(/\.js$/, ".ts");
}

function compareVersions(dependencies: Readonly<Record<string, string>>, specifiers: readonly string[]): string[] {
  return specifiers.flatMap((specifier) => {
    const [, name, version] = /^npm:(@?[^@]+)@([^/]+)/.exec(specifier) ?? [];
    if (name === undefined || dependencies[name] === version) return [];
    return [`${name} is ${dependencies[name] ?? "missing"} in package.json, ${version} in deno.json`];
  });
}
