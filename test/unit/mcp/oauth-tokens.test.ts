/** OAuth tokens that are renewed inside steps, with a real authorization server's protocol. */
import type { OAuthTokens } from "@ai-sdk/mcp";
import { afterEach, expect, test } from "vitest";
import { McpClient, oauthTokens, withRestateContext } from "../../../src/index.ts";
import { listen, type LoopbackServer } from "../../../src/testing/http-server.ts";
import { runFake } from "../../../src/testing/in-memory.ts";
import { type ScriptedMcp, startScriptedMcp, text } from "../../mcp/scripted-mcp.ts";

const opened: (ScriptedMcp | LoopbackServer)[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

interface World {
  readonly server: ScriptedMcp;
  /** Bodies of token requests. */
  readonly renewals: URLSearchParams[];
  readonly store: { tokens: OAuthTokens | undefined };
  readonly client: McpClient;
}

/** @param answer Status of the token endpoint's `n`-th answer. */
async function world(answer: (n: number) => number = () => 200, refreshToken = "refresh-token-0"): Promise<World> {
  const renewals: URLSearchParams[] = [];
  const issued = await listen(async (request, response) => {
    if (request.url?.startsWith("/.well-known/oauth-authorization-server") === true) {
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          issuer: issued.url,
          authorization_endpoint: `${issued.url}/authorize`,
          token_endpoint: `${issued.url}/token`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
        }),
      );
      return;
    }
    if (request.method !== "POST") return void response.writeHead(404).end();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const n = renewals.push(new URLSearchParams(Buffer.concat(chunks).toString()));
    const status = answer(n - 1);
    response.writeHead(status, { "content-type": "application/json" });
    const body =
      status === 200
        ? { access_token: `access-token-${n}`, token_type: "Bearer", refresh_token: `refresh-token-${n}` }
        : { error: status === 400 ? "invalid_grant" : "server_error" };
    response.end(JSON.stringify(body));
  });
  const server = await startScriptedMcp({ echo: { call: () => text("echo") } });
  opened.push(issued, server);
  server.documents["/.well-known/oauth-protected-resource/mcp"] = {
    resource: server.url,
    authorization_servers: [issued.url],
  };
  server.trouble = (method, { headers }) =>
    method === "server/discover" || /access-token-[1-9]/.test(String(headers.authorization))
      ? undefined
      : { status: 401 };
  const store: World["store"] = {
    tokens: { access_token: "access-token-0", token_type: "Bearer", refresh_token: refreshToken },
  };
  const client = new McpClient({
    name: "files",
    url: server.url,
    auth: oauthTokens({
      store: { load: () => store.tokens, save: (tokens) => void (store.tokens = tokens) },
      client: { id: "my-app" },
      server: { url: issued.url, tokenEndpoint: `${issued.url}/token` },
    }),
  });
  return { server, renewals, store, client };
}

const call = (client: McpClient) =>
  runFake<unknown>((context) => withRestateContext(context, () => client.callTool("echo")));

test("a token that has run out is renewed inside the step, kept in the store, and in no journal", async () => {
  const { server, renewals, store, client } = await world();
  const { outcome, journal, attempts } = await call(client);
  expect(outcome).toEqual({ ok: true, value: { content: [{ type: "text", text: "echo" }] } });
  expect(attempts).toBe(1);
  expect(renewals.map((body) => [body.get("grant_type"), body.get("refresh_token"), body.get("client_id")])).toEqual([
    ["refresh_token", "refresh-token-0", "my-app"],
  ]);
  expect(store.tokens).toMatchObject({ access_token: "access-token-1", refresh_token: "refresh-token-1" });
  expect(server.effects[0]?.headers.authorization).toBe("Bearer access-token-1");
  const stored = JSON.stringify(journal.events, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );
  expect(stored).not.toMatch(/(access|refresh)-token/);
});

test("an authorization server that fails for a while costs a retry", async () => {
  const { renewals, client } = await world((n) => (n === 0 ? 503 : 200));
  const { outcome, attempts } = await call(client);
  expect(outcome.ok).toBe(true);
  expect(attempts).toBe(2);
  expect(renewals).toHaveLength(2);
});

test("a token that cannot be renewed is a terminal error that says what to do, and stays in the store", async () => {
  const { store, client } = await world(() => 400);
  const { outcome, attempts } = await call(client);
  expect(outcome).toMatchObject({ ok: false, error: { errorCode: "mcp-unauthorized" } });
  expect(attempts).toBe(1);
  expect(store.tokens?.refresh_token).toBe("refresh-token-0");
});

test("a token that was refused is not tried again, and is in no message", async () => {
  const refusing = await world(() => 400);
  const twice = await runFake<unknown>((context) =>
    withRestateContext(context, async () => {
      const tries = [() => refusing.client.callTool("echo"), () => refusing.client.callTool("echo")];
      for (const one of tries) await expect(one()).rejects.toMatchObject({ errorCode: "mcp-unauthorized" });
      return "done";
    }),
  );
  expect(twice.outcome.ok).toBe(true);
  expect(refusing.renewals).toHaveLength(1);
  const { server, client } = await world();
  server.tools["echo"] = {
    call: ({ headers }) => {
      const message = `not with ${String(headers.authorization).replace("Bearer ", "")}`;
      throw Object.assign(new Error(message), { rpc: { code: -32_603, message } });
    },
  };
  const { outcome } = await call(client);
  expect(outcome).toMatchObject({ ok: false, error: { message: expect.stringContaining("not with ***") as string } });
});
