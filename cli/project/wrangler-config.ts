/**
 * wrangler's configuration, read by the project's own wrangler in this process. What wrangler has to say besides, such as that
 * there is a proxy, is for its own users: it stays quiet, unless WRANGLER_LOG asks it to speak.
 */
import { pathToFileURL } from "node:url";

/** What of wrangler is used. */
interface WranglerModule {
  readonly unstable_readConfig: (args: object, options: object) => object;
}

/** Which configuration. */
export interface ConfigRequest {
  /** Path of wrangler's module. */
  readonly wrangler: string;
  readonly configPath: string;
  readonly environment: string | undefined;
}

/** By path: once loaded, a module has nothing more to say. */
const loaded = new Map<string, Promise<WranglerModule>>();

/** The configuration, resolved for the environment. @throws Error as wrangler says it, when it cannot be read. */
export async function readWranglerConfig({ wrangler, configPath, environment }: ConfigRequest): Promise<object> {
  let loading = loaded.get(wrangler);
  if (loading === undefined) {
    const speak = hush();
    loading = (import(pathToFileURL(wrangler).href) as Promise<WranglerModule>).finally(speak);
    loaded.set(wrangler, loading);
  }
  const { unstable_readConfig: readConfig } = await loading;
  // The empty one is the top level; without any, wrangler looks at CLOUDFLARE_ENV.
  const args = { config: configPath, env: environment ?? "" };
  const speak = hush();
  try {
    return readConfig(args, { hideWarnings: true });
  } finally {
    speak();
  }
}

/** It looks at its level whenever it has something to say. */
function hush(): () => void {
  if (process.env["WRANGLER_LOG"] !== undefined) return () => {};
  process.env["WRANGLER_LOG"] = "error";
  return () => delete process.env["WRANGLER_LOG"];
}
