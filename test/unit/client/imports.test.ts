/** The client is for pages: it needs nothing but the platform, and it is small. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { toolOf } from "../../../cli/checks/tools.ts";

const FOLDER = resolve(import.meta.dirname, "../../../src/client");
const ENTRY = join(FOLDER, "index.ts");

/** The most that it may add to a page, in KiB after gzip: calls alone, and with all that chats need. */
const BUDGETS = [
  ["createClient", 5],
  ["createClient, createChatClient, chatTransport", 7],
] as const;

/** What a module imports when it runs: everything but `import type` and `export type`. */
function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "");
  const forms = [
    /^import\s+"([^"]+)"/gm,
    /^import\s+(?!type\b)[\w$*{},\s]+?\s+from\s+"([^"]+)"/gm,
    /^export\s+(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s+"([^"]+)"/gm,
    /\b(?:import|require)\s*\(\s*["'`]([^"'`]*)/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map(([, name = ""]) => name));
}

/** Every module that runs when `entry` is imported, and every name that is no file. */
function graphOf(entry: string): { readonly files: string[]; readonly foreign: string[] } {
  const files = new Set<string>();
  const foreign: string[] = [];
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const name of importsOf(readFileSync(file, "utf8"))) {
      if (name.startsWith(".")) visit(resolve(dirname(file), name));
      else foreign.push(`${file} imports ${name}`);
    }
  };
  visit(entry);
  return { files: [...files], foreign };
}

it("finds imports that run, and none of types alone", () => {
  const source = `
    /** import { a } from "comment"; */
import { b } from "value";
import type { c } from "type";
import {
  d,
  type e,
} from "lines";
import "effect";
export { f } from "again";
export type { g } from "type-again";
export const h = await import("dynamic");
const i = "from string";
`;
  expect(importsOf(source)).toEqual(["effect", "value", "lines", "again", "dynamic"]);
});

it("runs with the modules of its own folder and nothing else", () => {
  const { files, foreign } = graphOf(ENTRY);
  expect(foreign).toEqual([]);
  expect(files.filter((file) => dirname(file) !== FOLDER)).toEqual([]);
  // The others hold types alone.
  const unused = readdirSync(FOLDER).filter((name) => !files.includes(join(FOLDER, name)));
  expect(unused).toEqual(["definitions.ts"]);
});

it.each(BUDGETS)("%s: less than %i KiB in a page, after gzip", (names, kib) => {
  const flags = ["--bundle", "--minify", "--format=esm", "--platform=browser", "--target=es2022", "--log-level=error"];
  const bundle = execFileSync(toolOf("esbuild"), [...flags, "--loader=ts"], {
    cwd: FOLDER,
    input: `export { ${names} } from "./index.ts";`,
  });
  const size = gzipSync(bundle, { level: 9 }).length;
  console.log(`The client: ${bundle.length} bytes, ${size} after gzip`);
  expect(bundle.toString("utf8")).not.toMatch(/\bimport\b|restatedev|zod/);
  expect(size).toBeLessThan(kib * 1_024);
});
