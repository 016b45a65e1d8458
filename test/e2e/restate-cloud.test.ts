/** The look-alike of Restate Cloud itself: TLS, tokens, what its front answers while the server is down, who trusts it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { distrust, loopbackCertificate, trust } from "../../src/testing/certificate.ts";
import { RestateClient } from "../../src/testing/restate-client.ts";
import { type RestateCloud, startRestateCloud } from "../../src/testing/restate-cloud.ts";
import { RestateIdentity } from "../../src/testing/restate-identity.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startTlsProxy } from "../../src/testing/tls-proxy.ts";

let cloud: RestateCloud;
beforeAll(async () => {
  cloud = await startRestateCloud();
}, 60_000);
afterAll(() => cloud.stop());

async function ask(url: string, token?: string): Promise<{ status: number; type: string | null; body: unknown }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    body: text === "" ? "" : JSON.parse(text),
  };
}

describe("its front", () => {
  test("is TLS, and shows no server to those without a token", async () => {
    for (const url of [`${cloud.ingressUrl}/restate/health`, `${cloud.adminUrl}/version`]) {
      expect(url).toMatch(/^https:/);
      expect((await ask(url, cloud.token)).status).toBe(200);
      for (const token of [undefined, "", "key_unknown.c2VjcmV0", cloud.token.slice(0, -1), `${cloud.token}x`]) {
        expect(await ask(url, token)).toMatchObject({ status: 401, type: "application/json" });
      }
      await expect(fetch(url.replace("https:", "http:"))).rejects.toThrow();
    }
  });

  test("knows a role that may invoke and not administrate", async () => {
    expect((await ask(`${cloud.ingressUrl}/restate/health`, cloud.ingressToken)).status).toBe(200);
    expect(await ask(`${cloud.adminUrl}/version`, cloud.ingressToken)).toMatchObject({ status: 403 });
  });

  test("stays while its server is away, says so, and serves again at the same URLs", async () => {
    const before = cloud.ingressUrl;
    await cloud.kill();
    for (const url of [`${cloud.ingressUrl}/restate/health`, `${cloud.adminUrl}/version`]) {
      expect((await ask(url, cloud.token)).status).toBe(503);
      expect((await ask(url)).status).toBe(401);
    }
    await expect(cloud.send("Nobody/runs")).rejects.toThrow("503");
    await cloud.start();
    expect(cloud.ingressUrl).toBe(before);
    expect((await ask(`${cloud.adminUrl}/version`, cloud.token)).status).toBe(200);
  });
});

describe("a TLS proxy", () => {
  test("passes pieces on as they come, keeps tokens to itself, and breaks off what its server breaks off", async () => {
    const tls = await loopbackCertificate();
    const server = await listening((request, response) => {
      if (request.url === "/broken") {
        response.writeHead(200, { "content-length": "10" });
        response.write("half");
        setImmediate(() => response.destroy());
        return;
      }
      if (request.url === "/headers") return void response.end(JSON.stringify(request.headers));
      if (request.url === "/gone") return void request.socket.destroy();
      response.writeHead(200);
      request.on("data", (piece: Buffer) => response.write(`<${piece.toString()}>`));
      request.on("end", () => response.end());
    });
    const proxy = await startTlsProxy({ tls, port: portOf(server), judge: () => 200 });
    trust(tls.authority);
    try {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const asking = fetch(proxy.url, { method: "POST", body: readable, duplex: "half" } as RequestInit);
      await writer.write(Buffer.from("one"));
      const answer = (await asking).body?.getReader();
      expect(Buffer.from((await answer?.read())?.value ?? []).toString()).toBe("<one>");
      await writer.write(Buffer.from("two"));
      expect(Buffer.from((await answer?.read())?.value ?? []).toString()).toBe("<two>");
      await writer.close();
      expect((await answer?.read())?.done).toBe(true);
      await expect(fetch(`${proxy.url}/broken`).then((response) => response.text())).rejects.toThrow();
      expect((await fetch(`${proxy.url}/gone`)).status).toBe(502);
      const headers = { authorization: "Bearer key_x.y", "x-kept": "yes" };
      const seen = (await (await fetch(`${proxy.url}/headers`, { headers })).json()) as Record<string, string>;
      expect(seen).toMatchObject({ "x-kept": "yes", "x-forwarded-proto": "https" });
      expect(seen["authorization"]).toBeUndefined();
    } finally {
      distrust(tls.authority);
      await Promise.all([proxy.close(), closed(server)]);
    }
  });
});

test("is trusted alone: another certificate for the same host is not", async () => {
  const other = await startTlsProxy({ tls: await loopbackCertificate(), port: 1, judge: () => 200 });
  await expect(fetch(other.url)).rejects.toThrow();
  await other.close();
  expect((await ask(`${cloud.adminUrl}/version`, cloud.token)).status).toBe(200);
});

const settings = (): Record<string, string> => ({
  RESTATE_IDENTITY_KEYS: cloud.identityKey,
  RESTATE_INGRESS_URL: cloud.ingressUrl,
  RESTATE_ADMIN_URL: cloud.adminUrl,
  RESTATE_AUTH_TOKEN: cloud.token,
  OPENAI_BASE_URL: "http://127.0.0.1:9",
});

describe.each(["workerd", "deno"] as const)("an app on %s", (runtime) => {
  const entry = new URL(`../fixtures/lab/${runtime === "workerd" ? "worker" : "deno"}.ts`, import.meta.url).pathname;
  const apps: ServedEndpoint[] = [];
  afterAll(() => Promise.all(apps.map((app) => app.stop())));

  test("reaches it with its certificate and its token", async () => {
    const vars = settings();
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const trusting = await serve({ entry, vars, trustedCertificates: [cloud.certificate] });
    apps.push(trusting);
    await cloud.register(`${trusting.url}/restate`, { http11: trusting.http11 });
    expect(await checksOf(trusting)).toMatchObject({ ingress: "pass", admin: "pass", "identity-keys": "pass" });
    await trusting.restart({ ...vars, RESTATE_AUTH_TOKEN: cloud.ingressToken });
    expect(await checksOf(trusting)).toMatchObject({ ingress: "pass", admin: "fail" });
    await trusting.restart({ ...vars, RESTATE_IDENTITY_KEYS: new RestateIdentity().publicKey });
    await expect(cloud.register(`${trusting.url}/restate`, { http11: trusting.http11 })).rejects.toThrow("401");
  });
});

test("an app that does not trust its certificate does not reach it", async () => {
  const entry = new URL("../fixtures/lab/deno.ts", import.meta.url).pathname;
  await using app = await serveDeno({ entry, vars: settings() });
  expect(await checksOf(app)).toMatchObject({ ingress: "fail", admin: "fail", "identity-keys": "pass" });
});

/** Names of the checks of `/ready`, and how they ended. */
async function checksOf({ url }: ServedEndpoint): Promise<Record<string, string>> {
  const { checks } = (await (await fetch(`${url}/ready`)).json()) as { checks: { name: string; status: string }[] };
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
}

test("a client with a wrong token is told so", async () => {
  const stranger = new RestateClient(cloud.ingressUrl, cloud.adminUrl, "key_wrong.secret");
  await expect(stranger.send("Lab/generate", "go")).rejects.toThrow("401");
  await expect(stranger.query("SELECT 1")).rejects.toThrow("401");
});

function listening(handler: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
