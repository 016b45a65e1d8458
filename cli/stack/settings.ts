/**
 * The settings that the app gets in development. They come from `.dev.vars`, and the environment goes before it.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";

/**
 * Names taken from the environment. Restate's own names are left out: in a shell they usually point at a cluster that
 * has nothing to do with the local one.
 */
const FROM_ENVIRONMENT = [
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENAI_MODEL",
  "ADMIN_TOKEN",
  "AGENT_API_KEYS",
  "PLAYGROUND",
] as const;

/** Names and values of settings. */
export type Settings = Readonly<Record<string, string>>;

/** Settings whose values are made up when there are none, so that every route of the app can be tried. */
const SECRETS = ["ADMIN_TOKEN", "AGENT_API_KEYS"] as const;

/** What the app is started with. */
export interface DevelopmentSettings {
  readonly settings: Settings;
  /** Those of them that were made up for this start. They open nothing but this stack, so they may be printed. */
  readonly madeUp: Settings;
}

/** Where a local Restate is. */
interface LocalRestate {
  readonly ingressUrl: string;
  readonly adminUrl: string;
}

/** Settings of the project's app beside a local Restate. */
export function developmentSettings(project: string, restate: LocalRestate): DevelopmentSettings {
  const given = givenSettings(project, restate);
  const missing = SECRETS.filter((name) => (given[name] ?? "").trim() === "");
  const madeUp = Object.fromEntries(missing.map((name) => [name, randomBytes(18).toString("base64url")]));
  return { settings: { ...given, ...madeUp }, madeUp };
}

/**
 * The settings, and what the playground's page needs: a key of its own, for this start alone, so that those that the user
 * has set are given to no page; and where the stack listens.
 */
export function withPlayground(settings: Settings, controlUrl: string): Settings {
  const key = randomBytes(24).toString("base64url");
  const keys = (settings["AGENT_API_KEYS"] ?? "").split(",").filter((text) => text.trim() !== "");
  return {
    ...settings,
    AGENT_API_KEYS: [...keys, key].join(","),
    PLAYGROUND_KEY: key,
    PLAYGROUND_CONTROL_URL: controlUrl,
  };
}

function givenSettings(project: string, restate: LocalRestate): Settings {
  const environment = FROM_ENVIRONMENT.flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return {
    ...devVars(project),
    ...Object.fromEntries(environment),
    ENVIRONMENT: "development",
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_ADMIN_URL: restate.adminUrl,
  };
}

/** One line about the model that these settings lead to. */
export function describeModel(settings: Settings): string {
  if ((settings.OPENAI_API_KEY ?? "") === "") {
    return "embedded demo model and bundled weather data (set OPENAI_API_KEY to use OpenAI)";
  }
  const at = settings.OPENAI_BASE_URL === undefined ? "" : ` at ${settings.OPENAI_BASE_URL}`;
  return `OpenAI${at} (OPENAI_API_KEY is set), weather from Open-Meteo`;
}

/** Settings in a file that only this user can read: on a command line everybody could. */
export interface SettingsFile {
  readonly path: string;
  readonly remove: () => void;
}

/** Writes settings into a temporary env file. */
export function writeSettingsFile(settings: Settings): SettingsFile {
  const folder = mkdtempSync(join(tmpdir(), "restate-edge-agents-"));
  const path = join(folder, "settings.env");
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quote(name, value)}\n`);
  writeFileSync(path, lines.join(""), { mode: 0o600 });
  return {
    path,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function devVars(project: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(join(project, ".dev.vars"), "utf8");
  } catch {
    return {};
  }
  const entries = Object.entries(parseEnv(text));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Env files know no escape for quotes, so take a quote that the value does not hold. wrangler expands `$` unless escaped. */
function quote(name: string, value: string): string {
  const mark = ["'", "`", '"'].find((candidate) => !value.includes(candidate));
  if (mark === undefined) throw new Error(`Cannot pass ${name} on: its value holds all three kinds of quotes`);
  return `${mark}${value.replaceAll("$", String.raw`\$`)}${mark}`;
}
