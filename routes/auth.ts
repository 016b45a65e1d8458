/** Bearer tokens (RFC 6750), compared in constant time. */
import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "./problem.ts";
import { invalidSetting } from "./settings.ts";

/** Fewer characters are guessed too easily. */
const MIN_TOKEN_LENGTH = 16;
const HASHED = /^sha256:([0-9a-f]{64})$/i;
/** What can stand behind `Bearer` (RFC 6750, section 2.1). */
const SENDABLE = /^[\w.~+/=-]+$/;

/** Names under which tokens are often put into a URL, where logs and browsers keep them; without case, `-` and `_`. */
const QUERY_NAMES: ReadonlySet<string> = new Set([
  "accesstoken",
  "admintoken",
  "apikey",
  "apitoken",
  "authorization",
  "authtoken",
  "bearer",
  "bearertoken",
  "jwt",
  "key",
  "secret",
  "token",
  "xapikey",
]);

/** The tokens of a setting; several, so that they can rotate. Only their SHA-256 hashes are kept. */
export class TokenSet {
  readonly #hashes: readonly Uint8Array[];

  private constructor(hashes: readonly Uint8Array[]) {
    this.#hashes = hashes;
  }

  /**
   * Reads a comma-separated setting of tokens, or of `sha256:` and the hash of a token in hexadecimal.
   *
   * @throws EndpointError `invalid-settings` (503) for a token of fewer than 16 characters, one with a character that no
   * request can carry, and a malformed hash.
   */
  static async parse(name: string, setting: string): Promise<TokenSet> {
    const tokens = setting
      .split(",")
      .map((token) => token.trim())
      .filter((token) => token !== "");
    return new TokenSet(await Promise.all(tokens.map((token) => storedHash(name, token))));
  }

  get size(): number {
    return this.#hashes.length;
  }

  /** True for one of the tokens. Takes the same time whichever it is, and for strangers. */
  async has(token: string): Promise<boolean> {
    const hash = await sha256(token);
    let found = 0;
    for (const known of this.#hashes) found |= Number(isSame(known, hash));
    return found === 1;
  }
}

/** What a gate is set up with. */
export interface BearerGateOptions {
  /** Name of the setting that holds the tokens. */
  readonly setting: string;
  /** Its value at this request; undefined: there are no tokens. */
  readonly tokens: (context: Parameters<MiddlewareHandler>[0]) => string | undefined;
  /** Names in the query that mean something else here, such as `key` for the key of an object. */
  readonly ownQueryNames?: readonly string[];
  /** Thrown when there are none. */
  readonly closed: (path: string) => HttpProblem;
}

/**
 * Lets a request pass that carries one of the tokens as `authorization: Bearer …`.
 *
 * The errors are `unauthorized` (401), `token-in-query` (400), and what `closed` makes without tokens.
 */
export function bearerGate({ setting, tokens, ownQueryNames = [], closed }: BearerGateOptions): MiddlewareHandler {
  // Sets, not promises of them: on Workers a request must not wait for what another one began.
  const sets = new Map<string, TokenSet>();
  return async (context, next) => {
    const value = tokens(context) ?? "";
    const known = sets.get(value) ?? (await TokenSet.parse(setting, value));
    sets.set(value, known);
    if (known.size === 0) throw closed(new URL(context.req.url).pathname);
    await refuseTokensInQuery(context.req.url, ownQueryNames, known);
    const token = /^Bearer +([\w.~+/=-]+) *$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (token !== undefined && (await known.has(token))) return next();
    throw new HttpProblem("unauthorized", 401, "Send a valid token: authorization: Bearer <token>", {
      headers: { "www-authenticate": `Bearer${token === undefined ? "" : ' error="invalid_token"'}` },
    });
  };
}

async function refuseTokensInQuery(url: string, ownNames: readonly string[], known: TokenSet): Promise<void> {
  const query = [...new URL(url).searchParams];
  const isSuspect = (name: string): boolean =>
    !ownNames.includes(name) && QUERY_NAMES.has(name.toLowerCase().replaceAll(/[^a-z]/g, ""));
  if (!query.some(([name]) => isSuspect(name)) && !(await hasOneOf(known, query.flat()))) return;
  throw new HttpProblem(
    "token-in-query",
    400,
    "Do not send a token in the URL, where logs keep it: send authorization: Bearer <token>, and replace a token that was sent so",
  );
}

/** Texts that are too short for a token are not hashed: a URL has room for thousands of them. */
async function hasOneOf(known: TokenSet, texts: readonly string[]): Promise<boolean> {
  const candidates = texts.map((text) => text.replace(/^\s*Bearer\s/i, "").trim());
  const long = candidates.filter((text) => text.length >= MIN_TOKEN_LENGTH);
  return (await Promise.all(long.map((text) => known.has(text)))).includes(true);
}

async function storedHash(name: string, token: string): Promise<Uint8Array> {
  const hex = HASHED.exec(token)?.[1];
  if (hex !== undefined) return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (/^sha256:/i.test(token)) throw invalidSetting(name, "a hash is sha256: and 64 hexadecimal digits");
  if (token.length < MIN_TOKEN_LENGTH)
    throw invalidSetting(name, `a token has at least ${MIN_TOKEN_LENGTH} characters`);
  if (!SENDABLE.test(token)) throw invalidSetting(name, "a token consists of letters, digits and - . _ ~ + / =");
  return sha256(token);
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}
