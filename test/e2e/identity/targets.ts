/** What Restate asks of an endpoint, signed or not. */
import type { RestateIdentity } from "../../../src/testing/restate-identity.ts";
import { INVOCATION_CONTENT_TYPE, invocationBody } from "./invocation-body.ts";
import type { RawRequest } from "./raw-request.ts";

export interface Target {
  readonly name: "discover" | "invoke" | "serdes";
  readonly method: string;
  /** Without the mount. */
  readonly path: string;
  /** Effect of a handler or serde that ran. */
  readonly effect: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** `key`: of the effect. */
  readonly body: (key: string) => Buffer | undefined;
}

export const DISCOVER: Target = {
  name: "discover",
  method: "GET",
  path: "/discover",
  effect: undefined,
  headers: { accept: "application/vnd.restate.endpointmanifest.v4+json" },
  body: () => undefined,
};

export const INVOKE: Target = {
  name: "invoke",
  method: "POST",
  path: "/invoke/Vault/open",
  effect: "open",
  headers: { "content-type": INVOCATION_CONTENT_TYPE },
  body: invocationBody,
};

export const SERDES: Target = {
  name: "serdes",
  method: "POST",
  path: "/serdes/Vault/decode/open/input",
  effect: "decode",
  headers: { "content-type": "application/octet-stream" },
  body: (key) => Buffer.from(key),
};

export const TARGETS: readonly Target[] = [DISCOVER, INVOKE, SERDES];

/** The request to a target under the mount, with these headers besides. */
export function requestTo(
  target: Target,
  key: string,
  headers: RawRequest["headers"],
  change: Partial<RawRequest> = {},
): RawRequest {
  const { method, path, body } = target;
  return { method, path: `/restate${path}`, headers: { ...target.headers, ...headers }, body: body(key), ...change };
}

/** The two headers of a signed request. */
export function signature(token: string, scheme = "v1"): Record<string, string> {
  return { "x-restate-signature-scheme": scheme, "x-restate-jwt-v1": token };
}

/** Header and claims that an honest Restate would sign now, with changes; a claim of undefined is left out. */
export function forgedToken(
  signer: RestateIdentity,
  path: string,
  change: { readonly header?: object; readonly claims?: object } = {},
): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: "JWT", alg: "EdDSA", kid: signer.publicKey, ...change.header };
  return signer.token(header, { aud: path, iat: now, nbf: now - 60, exp: now + 60, ...change.claims });
}
