/**
 * The ingress of the Restate that this app belongs to, for what the app itself calls from inside a step or a route: its
 * streams, its sessions' history.
 */
import { RestateNotConfiguredError } from "../errors/restate-not-configured-error.ts";
import { IngressClient } from "../ingress/ingress-client.ts";

/** The settings that it needs. */
interface OwnSettings {
  readonly url: string;
  readonly token: string | undefined;
}

let known: (OwnSettings & { readonly client: IngressClient }) | undefined;

/**
 * The client of the app's own ingress, from `RESTATE_INGRESS_URL` and `RESTATE_AUTH_TOKEN`. They are read from
 * `process.env`, which on Workers holds vars and secrets, too (compatibility date 2025-04-01 or later).
 *
 * @param what What cannot be done without it, for the message: "keep a stream in Restate".
 * @throws RestateNotConfiguredError (503) when `RESTATE_INGRESS_URL` is absent or no address.
 *
 * @example
 * ```ts
 * await ownIngress("read the history").call({ service: "Chat", key: "c1", handler: "history" }, { timeoutMs: 10_000 });
 * ```
 */
export function ownIngress(what: string): IngressClient {
  const { url, token } = ownSettings(what);
  if (known?.url !== url || known.token !== token) known = { url, token, client: new IngressClient({ url, token }) };
  return known.client;
}

function ownSettings(what: string): OwnSettings {
  const url = setting("RESTATE_INGRESS_URL");
  if (url === undefined || !/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new RestateNotConfiguredError(what, "RESTATE_INGRESS_URL");
  }
  return { url, token: setting("RESTATE_AUTH_TOKEN") };
}

/** Empty counts as absent. */
function setting(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}
