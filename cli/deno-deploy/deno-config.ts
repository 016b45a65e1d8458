/** What a project's deno.json says about Deno Deploy. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { usageError } from "../tool/tool-error.ts";

const NAMES = ["deno.json", "deno.jsonc"];

const deploySchema = z.looseObject({
  org: z.string().optional(),
  app: z.string().optional(),
  install: z.string().nullish(),
  build: z.string().nullish(),
  predeploy: z.string().nullish(),
  framework: z.string().optional(),
  runtime: z
    .looseObject({
      type: z.string().optional(),
      entrypoint: z.string().optional(),
      args: z.array(z.string()).optional(),
    })
    .optional(),
});
const configSchema = z.looseObject({ deploy: deploySchema.optional() });

/** A project's deno.json. */
export interface DenoConfig {
  /** Name of the file. */
  readonly file: string;
  /** All that is in it. */
  readonly all: Readonly<Record<string, unknown>>;
  /** Its part about Deno Deploy. */
  readonly deploy: z.output<typeof deploySchema> | undefined;
}

/** Undefined in a folder without one. @throws ToolError `deno-config-invalid` */
export async function readDenoConfig(folder: string): Promise<DenoConfig | undefined> {
  for (const file of NAMES) {
    const text = await readFile(join(folder, file), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const parsed = configSchema.safeParse(parseJsonc(text));
    if (parsed.success) return { file, all: parsed.data, deploy: parsed.data.deploy };
    throw usageError(
      "deno-config-invalid",
      `Cannot read ${join(folder, file)}: ${parsed.error.issues[0]?.path.join(".") ?? ""} ${parsed.error.issues[0]?.message ?? ""}`,
      "Deno's documentation lists its settings: https://docs.deno.com/deploy/reference/builds/",
    );
  }
  return undefined;
}

/** JSON with comments and commas at the end of lists. Undefined for what is not. */
export function parseJsonc(text: string): unknown {
  // Strings first, so that what looks like a comment within one stays.
  const bare = text.replaceAll(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[^]*?\*\//g,
    (_, string: string | undefined) => string ?? " ",
  );
  const tidy = bare.replaceAll(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? "");
  try {
    return JSON.parse(tidy);
  } catch {
    return undefined;
  }
}
