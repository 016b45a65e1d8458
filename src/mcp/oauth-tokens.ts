/** OAuth for an MCP server, with tokens that somebody has got before. Runs have no browser: they only renew. */
import type { OAuthClientProvider, OAuthTokens } from "@ai-sdk/mcp";

/** Where tokens are kept: a secret store, a KV namespace, an object of Restate's. Nothing of it reaches a journal. */
export interface OAuthTokenStore {
  /** The tokens as they are now; they may have been renewed elsewhere. */
  load(): OAuthTokens | undefined | Promise<OAuthTokens | undefined>;
  /** Keeps renewed tokens. Called inside steps. What it throws fails the step, which is retried. */
  save(tokens: OAuthTokens): void | Promise<void>;
}

/** What renewing tokens needs. */
export interface OAuthTokensOptions {
  readonly store: OAuthTokenStore;
  /** This app, as the authorization server knows it. */
  readonly client: { readonly id: string; readonly secret?: string | undefined };
  /**
   * Who has issued the tokens; they and the secret are sent to nobody else, whatever the MCP server says. Default: what the
   * AI SDK's `auth()` has noted in the tokens.
   */
  readonly server?:
    | { readonly url: string; readonly tokenEndpoint: string; readonly issuer?: string | undefined }
    | undefined;
}

/**
 * For the option `auth` of an `McpClient`. A token that has run out is renewed inside the step that found out, and kept in
 * the store. When it cannot be renewed, the step fails for good with `mcp-unauthorized`: somebody has to authorize the app
 * again, with the AI SDK's `auth()`.
 *
 * @example
 * ```ts
 * const files = new McpClient({
 *   name: "files",
 *   url: "https://mcp.example.com/mcp",
 *   auth: oauthTokens({
 *     store: { load: async () => env.TOKENS.get("files", "json"), save: async (tokens) => env.TOKENS.put("files", JSON.stringify(tokens)) },
 *     client: { id: "my-app" },
 *   }),
 * });
 * ```
 */
export function oauthTokens({ store, client, server }: OAuthTokensOptions): OAuthClientProvider {
  /** Refresh tokens that the server has refused. The store is not touched: another one may be in it soon. */
  const refused = new Set<string>();
  const issuer = server?.issuer ?? server?.url;
  return {
    redirectUrl: "http://localhost/",
    clientMetadata: { redirect_uris: [] },
    clientInformation: () => ({
      client_id: client.id,
      ...(client.secret === undefined ? {} : { client_secret: client.secret }),
      ...(issuer === undefined ? {} : { issuer }),
    }),
    tokens: async () => {
      const tokens = await store.load();
      if (tokens?.refresh_token === undefined || !refused.has(tokens.refresh_token)) return tokens;
      const { refresh_token: _refused, ...rest } = tokens;
      return rest;
    },
    saveTokens: (tokens) => store.save(tokens),
    invalidateCredentials: (_scope, context) => {
      const token = context?.tokens.refresh_token;
      if (token !== undefined) refused.add(token);
    },
    authorizationServerInformation: () =>
      server === undefined
        ? undefined
        : {
            authorizationServerUrl: server.url,
            tokenEndpoint: server.tokenEndpoint,
            ...(issuer === undefined ? {} : { issuer }),
          },
    // A run cannot send a person to a page: it fails, and says so.
    saveAuthorizationServerInformation: () => undefined,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => "",
    redirectToAuthorization: () => undefined,
  };
}
