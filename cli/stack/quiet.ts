/**
 * Environment for the tools we start: no telemetry and no look-ups, so that everything works without a network and
 * nothing leaves the machine.
 */
export const QUIET: Readonly<Record<string, string>> = {
  DO_NOT_TRACK: "1",
  SCARF_ANALYTICS: "false",
  // wrangler: telemetry, the update check (part of the banner), and the `cf` object, which it downloads otherwise.
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  // Its own logs belong beside the project's other build files, not into the home folder.
  WRANGLER_LOG_PATH: ".wrangler/logs",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  // wrangler dev writes every request into a local SQLite otherwise, which costs up to a quarter of the time.
  X_LOCAL_OBSERVABILITY: "false",
  RESTATE_DISABLE_TELEMETRY: "true",
  DENO_NO_UPDATE_CHECK: "1",
  DENO_NO_PROMPT: "1",
};
