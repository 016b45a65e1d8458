/**
 * One version per URL (G10): a request to `<mount>/v/<version>/…` is for the code of that version. Restate pins an
 * invocation to the URL that it began on, so a journal never meets other code than the one that wrote it, however the
 * URL's host is deployed.
 *
 * - V1 Another version answers 503 with `retry-after`: Restate tries again later, the invocation loses nothing.
 * - V2 So does an app that does not know which version it is: it cannot promise anything.
 * - V3 No handler, serde or piece of the body is touched for it, and only a Restate with a known key is told of it.
 */
import { createEndpointHandler } from "../restate.ts";
import { EndpointError } from "./endpoint-error.ts";

/** How long Restate is asked to wait, in seconds. A version comes back by a deployment, which takes about as long. */
export const RETRY_AFTER_SECONDS = 30;

/**
 * A version that is not served here.
 *
 * @param own The version that is; null: not known.
 */
export function versionMismatch(asked: string, own: string | null): EndpointError {
  const reason =
    own === null
      ? "the version that runs here is not known. Set APP_VERSION, or bind version_metadata as CF_VERSION_METADATA"
      : `version "${own}" runs here. Deploy version "${asked}" here again, or move the invocation to another deployment`;
  return new EndpointError("version-mismatch", `Cannot serve version "${asked}": ${reason}`, 503, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/** Whether Restate has signed a request to `url`. */
export type SignatureCheck = (url: URL, request: Request) => Promise<boolean>;

/**
 * The SDK's own check of signatures, and nothing behind it: an endpoint without services has nothing to run, and gets no
 * body. Without keys (in development) anyone passes.
 */
export function signatureCheck(identityKeys: readonly string[]): SignatureCheck {
  if (identityKeys.length === 0) return async () => true;
  let handler: ReturnType<typeof createEndpointHandler> | undefined;
  return async (url, { method, headers }) => {
    // At the first need: an app whose URLs are right never has it.
    handler ??= createEndpointHandler({ services: [], identityKeys: [...identityKeys], logger: () => {} });
    const response = await handler(new Request(url, { method, headers }));
    await response.arrayBuffer();
    return response.status !== 401;
  };
}
