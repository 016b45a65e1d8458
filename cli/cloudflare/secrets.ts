/** Secrets of a Worker: which there are. Their values stay where they are. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import type { Project } from "../project/project.ts";
import type { Tool } from "../tool/tool.ts";
import { usageError } from "../tool/tool-error.ts";
import { runWrangler } from "./wrangler.ts";

const listSchema = z.array(z.object({ name: z.string() }));

/** Names of the secrets that a Worker has. It fails for one that does not exist. */
export async function secretsOf(tool: Tool, project: Project, worker: string): Promise<string[]> {
  const args = ["secret", "list", "--name", worker, "--format", "json"];
  const { stdout } = await runWrangler(tool, project, { args });
  return listSchema.parse(JSON.parse(stdout)).map(({ name }) => name);
}

/** Names in a file for `--secrets-file`. From now on its values are never printed. @throws ToolError `secrets-file` */
export async function secretsInFile(tool: Tool, path: string): Promise<string[]> {
  return Object.keys(await read(tool, path));
}

/** The same with their values, as text. @throws ToolError `secrets-file` */
export async function secretValuesIn(tool: Tool, path: string): Promise<Readonly<Record<string, string>>> {
  const values = Object.entries(await read(tool, path));
  return Object.fromEntries(
    values.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

async function read(tool: Tool, path: string): Promise<Record<string, unknown>> {
  const file = resolve(tool.flags.cwd, path);
  let values: Record<string, unknown>;
  try {
    values = parseSecrets(await readFile(file, "utf8"));
  } catch (error) {
    // Not what the parser says: it may quote a value.
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw usageError("secrets-file", `Cannot read the secrets in ${path}${code}`, "Write JSON, or NAME=value lines");
  }
  for (const value of Object.values(values)) if (typeof value === "string") tool.redactor.add(value);
  return values;
}

function parseSecrets(text: string): Record<string, unknown> {
  if (!text.trimStart().startsWith("{")) return parseEnv(text);
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}
