/** Says whose tokens open `/mcp` (RFC 9728), so that clients of MCP can send their users there. */
import type { Context, MiddlewareHandler } from "hono";
import { DefinitionError } from "../../src/errors/definition-error.ts";

/** Where the document is. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource/mcp";

/** Whose tokens `auth` lets pass. */
export interface McpAuthorization {
  /** The authorization servers that issue tokens for this app: their issuer URLs. */
  readonly servers: readonly string[];
  /** What tokens can be issued for. */
  readonly scopes?: readonly string[] | undefined;
  /** The URL of `/mcp` as clients know it, for which tokens are issued. Default: the one that was requested. */
  readonly resource?: string | undefined;
}

/** @throws DefinitionError for what is no URL. */
export function checkAuthorization({ servers, resource }: McpAuthorization): void {
  const urls = resource === undefined ? servers : [...servers, resource];
  const wrong = servers.length === 0 ? "" : urls.find((url) => !/^https?:\/\//i.test(url) || !URL.canParse(url));
  if (wrong === undefined) return;
  throw new DefinitionError(
    `Cannot serve agents over MCP: authorization needs servers, and absolute URLs (http or https): current value is "${wrong}"`,
  );
}

/** The document. It is for everybody, pages of any origin included. */
export function metadataOf(context: Context, name: string, authorization: McpAuthorization): Response {
  const { servers, scopes, resource = new URL("/mcp", context.req.url).href } = authorization;
  const document = {
    resource,
    authorization_servers: servers,
    ...(scopes === undefined ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ["header"],
    resource_name: name,
  };
  return Response.json(document, { headers: { "access-control-allow-origin": "*", "cache-control": "max-age=300" } });
}

/** Names the document to whom `auth` does not let in. */
export function challenge({ resource }: McpAuthorization): MiddlewareHandler {
  return async (context, next) => {
    await next();
    if (context.res.status !== 401) return;
    const url = new URL(METADATA_PATH, resource ?? context.req.url).href;
    const told = context.res.headers.get("www-authenticate");
    const own = `resource_metadata="${url}"`;
    const whole = told === null ? `Bearer ${own}` : `${told}${/^\S+$/.test(told) ? "" : ","} ${own}`;
    context.res.headers.set("www-authenticate", whole);
  };
}
