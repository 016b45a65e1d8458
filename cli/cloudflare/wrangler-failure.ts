/** A failure of wrangler, as the tool tells it. */
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import { wranglerCause, wranglerErrors } from "./wrangler-reason.ts";

/** A run of wrangler that failed. */
export interface FailedRun {
  /** Its first words, such as `versions upload`. */
  readonly command: string;
  /** How it ended, such as `exit code 1`. */
  readonly ended: string;
  readonly log: string;
  /** Code of Cloudflare's API, when that is what failed. */
  readonly cloudflareCode: unknown;
}

/** Cloudflare does not know the token (1000, 6003, 9106, 9109), or the token may not do this (10000, 10023; 9109 too). */
const UNAUTHORIZED: ReadonlySet<unknown> = new Set([1000, 6003, 6111, 9106, 9109, 10000, 10023]);
/** wrangler has nothing to show to Cloudflare. */
const NO_TOKEN = /CLOUDFLARE_API_TOKEN environment variable|not (?:logged in|authenticated)|run `?wrangler login/i;

/** Permissions of API tokens, by the part of Cloudflare's API. The first one that matches. */
const PERMISSIONS: readonly (readonly [RegExp, string])[] = [
  [/\/tails\b/, "Workers Tail: Read"],
  [/\/storage\/kv\b/, "Workers KV Storage: Edit"],
  [/\/d1\b/, "D1: Edit"],
  [/\/r2\b/, "Workers R2 Storage: Edit"],
  [/\/queues\b/, "Queues: Edit"],
  [/\/zones\b/, "Workers Routes: Edit"],
];

const CODES: ReadonlySet<string> = new Set(["wrangler-failed", "cloudflare-token-missing", "cloudflare-unauthorized"]);

/** True for each of the failures that `wranglerFailure()` makes. */
export function isWranglerFailure(error: unknown): error is ToolError {
  return error instanceof ToolError && CODES.has(error.code);
}

/** Code `cloudflare-token-missing` (exit code 2), `cloudflare-unauthorized` or `wrangler-failed` (4). */
export function wranglerFailure({ command, ended, log, cloudflareCode }: FailedRun): ToolError {
  const details = { wrangler: command, cloudflareCode };
  const cause = wranglerCause(log);
  if (UNAUTHORIZED.has(cloudflareCode)) {
    return new ToolError({
      code: "cloudflare-unauthorized",
      message: `Cannot run wrangler ${command}: Cloudflare refuses the token\n${cause}`,
      hint: `CLOUDFLARE_API_TOKEN needs the permission "${permissionFor(cause)}" for the account that CLOUDFLARE_ACCOUNT_ID names`,
      exitCode: EXIT.remote,
      details,
    });
  }
  if (cloudflareCode === undefined && wranglerErrors(log).some((error) => NO_TOKEN.test(error))) {
    return new ToolError({
      code: "cloudflare-token-missing",
      message: `Cannot run wrangler ${command}: CLOUDFLARE_API_TOKEN is not set, and nobody is logged in`,
      hint: 'Set CLOUDFLARE_API_TOKEN to an API token with the permission "Workers Scripts: Edit", or run `npx wrangler login`',
      exitCode: EXIT.usage,
      details,
    });
  }
  return new ToolError({
    code: "wrangler-failed",
    message: `Cannot run wrangler ${command}: ${ended}\n${cause}`.trim(),
    hint: "Nothing that Restate knows was changed; run the command again when the cause is gone",
    exitCode: EXIT.remote,
    details,
  });
}

function permissionFor(cause: string): string {
  return PERMISSIONS.find(([path]) => path.test(cause))?.[1] ?? "Workers Scripts: Edit";
}
