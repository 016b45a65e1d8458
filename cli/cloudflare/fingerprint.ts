/** One hash for what is deployed: the same is never uploaded twice, from whatever machine. */
import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import { type Project, wranglerModuleOf } from "../project/project.ts";
import { readWranglerConfig } from "../project/wrangler-config.ts";
import { hashFiles } from "./bundle.ts";

/** Hexadecimal digits of a fingerprint. Cloudflare's tags of versions have room for 25 characters. */
const LENGTH = 20;

/** What goes into a fingerprint. */
export interface FingerprintParts {
  /** Hash of the modules. */
  readonly bundle: string;
  /** Wrangler's configuration, resolved. */
  readonly config: unknown;
  /** Names alone: a hash of a value could be guessed. */
  readonly secrets: readonly string[];
  /** Whatever else makes another version. */
  readonly more?: readonly string[];
}

export function fingerprintOf({ bundle, config, secrets, more = [] }: FingerprintParts): string {
  const text = stableJson({ bundle, config, secrets: [...new Set(secrets)].sort(), more });
  return createHash("sha256").update(text).digest("hex").slice(0, LENGTH);
}

/** Hash of the files that are served as they are (`assets`); undefined when there are none. */
export async function assetsHash({ configPath }: Project, config: unknown): Promise<string | undefined> {
  const { assets } = config as { readonly assets?: { readonly directory?: unknown } };
  if (typeof assets?.directory !== "string") return undefined;
  return (await hashFiles(resolve(dirname(configPath), assets.directory))).hash;
}

/** The tag of versions with this fingerprint. */
export function tagOf(fingerprint: string): string {
  return `fp-${fingerprint}`;
}

/** Wrangler's configuration for the project's environment, without what differs between machines. */
export async function resolvedConfig({ folder, configPath, environment }: Project): Promise<unknown> {
  const wrangler = wranglerModuleOf(folder);
  return withoutFolder(await readWranglerConfig({ wrangler, configPath, environment }), folder);
}

/** `dev` is for this machine alone. */
const LOCAL: ReadonlySet<string> = new Set(["dev", "configPath", "userConfigPath"]);

function withoutFolder(config: object, folder: string): unknown {
  const kept = Object.fromEntries(Object.entries(config).filter(([name]) => !LOCAL.has(name)));
  return JSON.parse(JSON.stringify(kept).replaceAll(JSON.stringify(folder).slice(1, -1), "."));
}

/** JSON with the members of objects in the order of their names. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
