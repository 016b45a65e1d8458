/** Requests that are signed, but go elsewhere or come in another way. */
import type { RawRequest } from "./raw-request.ts";
import { type Target, TARGETS } from "./targets.ts";

export interface PathRow {
  /** Signed for this target's path. */
  readonly target: Target;
  readonly change: Partial<RawRequest>;
  readonly status: number;
  readonly code: string;
}

const WRONG_METHODS = ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];

/** Paths whose end is a path of the endpoint, which is all that the SDK compares with the audience of a token. */
const ENDS: readonly string[] = [
  "decode/x/discover",
  "encode/discover",
  "decode/invoke/Vault/open",
  "decode/x/invoke/Vault/open",
];

export const PATH_ROWS: readonly PathRow[] = TARGETS.flatMap((target) => [
  ...variants(target.path).map((path) => ({
    target,
    change: { path, method: path.includes("/serdes/") ? "POST" : target.method },
    status: 404,
    code: "not-found",
  })),
  // Signed as it should be, for a version that is not known here: whoever is asked, nothing runs.
  {
    target,
    change: { path: `/restate/v/abc123${target.path}`, method: target.method },
    status: 503,
    code: "version-mismatch",
  },
  ...replays(target).map((path) => ({
    target,
    change: { path, method: path.endsWith("/discover") ? "GET" : "POST" },
    status: 401,
    code: "identity-rejected",
  })),
  ...[...WRONG_METHODS, target.method === "GET" ? "POST" : "GET"].map((method) => ({
    target,
    change: { method },
    status: 405,
    code: "method-not-allowed",
  })),
]);

/** Spellings of a path that are no path of the endpoint. */
function variants(path: string): string[] {
  const [, first = "", ...rest] = path.split("/");
  const tail = rest.map((part) => `/${part}`).join("");
  const encoded = `%${first.charCodeAt(0).toString(16)}${first.slice(1)}`;
  return [
    `/restate/x${path}`,
    `/restate/v${path}`,
    `/restate/v/${path}`,
    `/restate/v/abc123/${path}`,
    `/restate/v/abc123/v/abc123${path}`,
    `/restate/v/abc%2f123${path}`,
    `/restate/v/%61bc123${path}`,
    `/restate/v/..%2fx${path}`,
    `/restate/v/${"a".repeat(65)}${path}`,
    `/restate/V/abc123${path}`,
    `/v/abc123${path}`,
    `/restate/restate${path}`,
    `/restate/${path}`,
    `//restate${path}`,
    `/restate${path}/`,
    `/restate${path}%00`,
    `/restate${path}%20`,
    `/restate${path};x=1`,
    `/restate/${encoded}${tail}`,
    `/%72estate${path}`,
    `/restate%2f${first}${tail}`,
    `/restate/%2e%2e/restate%2f${first}${tail}`,
    `/restate/..%2frestate${path}`,
    `/restate/%252e%252e${path}`,
    `/restate/${first.toUpperCase()}${tail}`,
    `/RESTATE${path}`,
    `/Restate${path}`,
    `/restates${path}`,
    `/restat${path}`,
    path,
    `/restate/${first}${tail.replaceAll("/", "%2F")}x`,
    `/restate/${first}${tail.replaceAll("/", "//")}//`,
    `/restate/health`,
    `/restate/`,
    `/restate/discover/x`,
    `/restate/invoke/Vault`,
    `/restate/invoke//open`,
    `/restate/invoke/Vault/open/x`,
    `/restate/serdes/Vault/run/open/input`,
    `/restate/v/abc123`,
    `/restate/v/abc123/`,
    `/restate/v/abc123/health`,
    `/restate/v/abc123/serdes/Vault/decode/x/discover`,
    ...ENDS.map((end) => `/restate/serdes/Vault/${end}`),
  ];
}

/** Other paths of the endpoint. */
function replays({ path }: Target): string[] {
  return [
    "/restate/discover",
    "/restate/invoke/Vault/open",
    "/restate/invoke/Vault/other",
    "/restate/invoke/vault/open",
    "/restate/invoke/Keeper/run",
    "/restate/invoke/Nobody/open",
    "/restate/serdes/Vault/decode/open/input",
    "/restate/serdes/Vault/decode/open/output",
    "/restate/serdes/Vault/encode/open/input",
    "/restate/serdes/Vault/decode/other/input",
  ].filter((other) => other !== `/restate${path}`);
}
