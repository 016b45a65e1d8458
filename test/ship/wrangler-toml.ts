/** What differs in wrangler's configuration. */
export interface TomlOptions {
  /** Name of the Worker. */
  readonly name: string;
  readonly vars: Readonly<Record<string, string>>;
  /** Tables between its own and the vars, which are the last. */
  readonly tables?: string;
}

/** Text of a `wrangler.toml` that is right, for `worker.ts` beside it. */
export function wranglerToml({ name, vars, tables = "" }: TomlOptions): string {
  const settings = Object.entries(vars).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `name = "${name}"
main = "worker.ts"
compatibility_date = "2026-10-01"
compatibility_flags = ["nodejs_compat", "enable_request_signal"]
workers_dev = true
preview_urls = true

[version_metadata]
binding = "CF_VERSION_METADATA"

[observability]
enabled = true
${tables}
[vars]
${settings.join("\n")}
`;
}
