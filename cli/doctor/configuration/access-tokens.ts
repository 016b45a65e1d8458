import { createHash } from "node:crypto";
import { type DoctorCheck, fail, type Finding, pass, skip } from "../check.ts";
import { type Facts, maybe } from "../facts/facts.ts";

const NAMES = ["ADMIN_TOKEN", "AGENT_API_KEYS"] as const;
/** What the app refuses to start with. */
const MIN_LENGTH = 16;
/** A random text of this length has more. */
const MIN_DISTINCT = 8;
const GUESSED = /(password|passwort|changeme|change-me|example|secret|admin|test|token|12345|qwerty|letmein)/i;
const HASHED = /^sha256:([0-9a-f]{64})$/i;
const NEW_TOKEN = "openssl rand -base64 32 | tr '+/' '-_'   # a new one";

/** Whether strangers could guess who they must be. Values are looked at, never told. */
export const accessTokens: DoctorCheck = {
  id: "access-tokens",
  group: "Project",
  about: "ADMIN_TOKEN and AGENT_API_KEYS cannot be guessed, and differ",
  run: async (facts) => {
    const known = NAMES.map((name) => ({ name, tokens: tokensOf(facts, name) }));
    const weak = known.flatMap(({ name, tokens }) => tokens.map((token) => weakness(name, token)));
    const problem = weak.find((text) => text !== undefined) ?? sameIn(known.map(({ tokens }) => tokens));
    if (problem !== undefined) return fail(problem, NEW_TOKEN, ...NAMES.map((name) => howToSet(facts, name)));
    return (await refusedByApp(facts)) ?? seen(known.filter(({ tokens }) => tokens.length > 0).map(({ name }) => name));
  },
};

function seen(names: readonly string[]): Finding {
  if (names.length > 0) return pass(`${names.join(" and ")}: long enough, and different`);
  return skip("Secrets of a running app cannot be read: set ADMIN_TOKEN and AGENT_API_KEYS here to have them checked");
}

/** The app refuses malformed keys, and tells when there are none. */
async function refusedByApp(facts: Facts): Promise<Finding | undefined> {
  const ready = await maybe(facts.app.ready());
  const keys = ready?.find(({ name }) => name === "api-keys");
  if (keys?.status !== "fail") return undefined;
  return fail(`The app says: ${keys.detail}.`, NEW_TOKEN, howToSet(facts, "AGENT_API_KEYS"));
}

function howToSet(facts: Facts, name: string): string {
  return facts.hasProject ? `npx wrangler versions secret put ${name}` : `${name}=…   # in the app's environment`;
}

function tokensOf({ vars, tool }: Facts, name: string): string[] {
  const value = vars[name] ?? tool.environment[name];
  if (typeof value !== "string") return [];
  const tokens = value.split(",").map((token) => token.trim());
  for (const token of tokens) tool.redactor.add(token);
  return tokens.filter((token) => token !== "");
}

function weakness(name: string, token: string): string | undefined {
  if (HASHED.test(token)) return undefined;
  if (token.length < MIN_LENGTH)
    return `A token in ${name} has fewer than ${MIN_LENGTH} characters: the app refuses it.`;
  if (new Set(token).size < MIN_DISTINCT || GUESSED.test(token)) return `A token in ${name} is easy to guess.`;
  return undefined;
}

function sameIn([admins = [], agents = []]: readonly (readonly string[])[]): string | undefined {
  const hashes = new Set(admins.map(hashOf));
  if (!agents.some((token) => hashes.has(hashOf(token)))) return undefined;
  return "ADMIN_TOKEN and AGENT_API_KEYS share a token: who may invoke agents may also delete their runs.";
}

function hashOf(token: string): string {
  return HASHED.exec(token)?.[1]?.toLowerCase() ?? createHash("sha256").update(token).digest("hex");
}
