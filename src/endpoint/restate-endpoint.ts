/**
 * Services → a fetch handler that only Restate can call.
 *
 * - E1 Closed by default (G9). No keys outside development, or a malformed key: nothing is served.
 * - E2 Only the paths of restate-path.ts reach the SDK, without mount and version: the SDK checks a request's signature
 *   against the path without prefix, and for `serdes` it would refuse one that has it.
 * - E3 Bidirectional mode is refused on workerd: it works in `wrangler dev` and stalls on Cloudflare's network.
 * - E4 Of a request that is not signed as it should be, no more than a piece of the body is read.
 * - E5 A path with a version is served by that version alone; see version-guard.ts.
 */
import type { JournalEncryption } from "../encryption/journal-encryption.ts";
import { inRequestResponse } from "../journal/protocol-mode.ts";
import {
  createEndpointHandler,
  type ServiceDefinition,
  type VirtualObjectDefinition,
  type WorkflowDefinition,
} from "../restate.ts";
import { withSpanExporter } from "../telemetry/exporter-scope.ts";
import type { SpanExporter } from "../telemetry/span.ts";
import { EndpointError } from "./endpoint-error.ts";
import { withLargePieces } from "./large-pieces.ts";
import { handlerLog } from "./handler-log.ts";
import { asTheyCome, requestAt } from "./request-body.ts";
import { matchRestatePath } from "./restate-path.ts";
import { signatureCheck, versionMismatch } from "./version-guard.ts";

/** Anything that `service()`, `object()`, `workflow()` or `agentService()` made. */
export type AnyService =
  | ServiceDefinition<string, unknown>
  | VirtualObjectDefinition<string, unknown>
  | WorkflowDefinition<string, unknown>;

/** What an endpoint is made of. */
export interface RestateEndpointOptions {
  readonly services: readonly AnyService[];
  /** Public keys whose owners may call; see `parseIdentityKeys`. */
  readonly identityKeys: readonly string[];
  /** Serves without keys. Default false. */
  readonly development?: boolean;
  /** One stream for a whole invocation instead of one request a step. Default false. */
  readonly bidirectional?: boolean;
  /** Path prefix, such as `/restate`. Default none. */
  readonly mount?: string;
  /** The version of this code: the only one that `<mount>/v/<version>` serves. Default null: not known, so none. */
  readonly version?: string | null;
  /** Where the spans of handlers go. Default: none are made. */
  readonly telemetry?: SpanExporter | undefined;
  /** Encrypts what Restate is told; `journalEncryption()` makes it. Default: nothing is encrypted. */
  readonly encryption?: JournalEncryption | undefined;
}

/** The answer to a request, or why it is not served. */
export type RestateEndpoint = (request: Request, ...platform: unknown[]) => Promise<Response>;

/**
 * @throws EndpointError `identity-keys-missing` (503) without keys outside development.
 * @throws EndpointError `bidirectional-unsupported` (503) with `bidirectional` on workerd.
 */
export function createRestateEndpoint(options: RestateEndpointOptions): RestateEndpoint {
  const { services, identityKeys, development = false, bidirectional = false, telemetry, encryption } = options;
  const { mount = "", version = null } = options;
  if (bidirectional && isWorkerd()) {
    throw new EndpointError(
      "bidirectional-unsupported",
      "Cannot serve bidirectional invocations on Workers: Cloudflare's network does not stream a request and its response at the same time, so invocations stall, although it works in wrangler dev. Remove `bidirectional: true`",
      503,
    );
  }
  if (identityKeys.length === 0 && !development) {
    throw new EndpointError(
      "identity-keys-missing",
      'Cannot serve Restate without identity keys: anyone could run any handler. Set RESTATE_IDENTITY_KEYS to the public key of your Restate (Restate Cloud: Developers, Security, HTTP services), or ENVIRONMENT to "development" on your own machine',
      503,
    );
  }
  const handler = createEndpointHandler({
    services: encryption === undefined ? [...services] : encryption.guarded(services),
    bidirectional,
    logger: handlerLog,
    ...(encryption === undefined ? {} : { journalValueCodecProvider: () => Promise.resolve(encryption.codec) }),
    ...(identityKeys.length === 0 ? {} : { identityKeys: [...identityKeys] }),
  });
  const isSigned = signatureCheck(identityKeys);
  return async (request, ...platform) => {
    const url = new URL(request.url);
    const match = matchRestatePath(request.method, url.pathname, mount);
    if (match.kind === "not-found") throw new EndpointError("not-found", `Nothing is served at ${url.pathname}`, 404);
    if (match.kind === "method-not-allowed") {
      const { allow } = match;
      throw new EndpointError("method-not-allowed", `Cannot ${request.method} ${url.pathname}: use ${allow}`, 405, {
        allow,
      });
    }
    url.pathname = match.path;
    if (match.version !== undefined && match.version !== version) {
      throw (await isSigned(url, request)) ? versionMismatch(match.version, version) : identityRejected();
    }
    const refused = new AbortController();
    const serve = (): Promise<Response> =>
      bidirectional
        ? handler(requestAt(url, request, asTheyCome, refused.signal), ...platform)
        : inRequestResponse(() => handler(withLargePieces(url, request, refused.signal), ...platform));
    const exported = telemetry === undefined ? serve : () => withSpanExporter(telemetry, serve);
    const response = await (encryption === undefined ? exported() : encryption.serve(exported));
    if (response.status !== 401) return response;
    refused.abort();
    // Read, so that the SDK can end the answer that nobody gets. Not awaited: there is nothing in it.
    response.arrayBuffer().catch(() => undefined);
    throw identityRejected();
  };
}

function identityRejected(): EndpointError {
  return new EndpointError("identity-rejected", "The request is not signed by a Restate whose key is known here", 401);
}

function isWorkerd(): boolean {
  return globalThis.navigator?.userAgent === "Cloudflare-Workers";
}
