import { afterEach, expect, test, vi } from "vitest";
import { createRestateEndpoint, type RestateEndpointOptions } from "../../../src/endpoint/restate-endpoint.ts";
import { DECODE, DISCOVER, echoService, INVOKE } from "./echo-service.ts";
import { type Claims, RestateIdentity } from "../../../src/testing/restate-identity.ts";

const restate = new RestateIdentity();
const stranger = new RestateIdentity();
const REQUESTS = [
  ["/discover", DISCOVER],
  ["/invoke/Echo/say", INVOKE],
  ["/serdes/Echo/decode/say/input", DECODE],
] as const;

afterEach(() => vi.unstubAllGlobals());

function endpoint(
  options: Partial<RestateEndpointOptions> = {},
): (path: string, init?: RequestInit) => Promise<Response> {
  const serve = createRestateEndpoint({
    services: [echoService],
    identityKeys: [restate.publicKey],
    mount: "/restate",
    ...options,
  });
  return (path, init = {}) => serve(new Request(`https://worker.example/restate${path}`, init));
}

const signed = (init: RequestInit, by: RestateIdentity, path: string, claims?: Claims): RequestInit => ({
  ...init,
  headers: { ...(init.headers as Record<string, string>), ...by.headers(path, claims) },
});
const rejected = expect.objectContaining({ errorCode: "identity-rejected", code: 401 }) as Error;

test.each(REQUESTS)("%s with the right signature is served under the mount", async (path, init) => {
  const response = await endpoint()(path, signed(init, restate, path));
  expect(response.status).toBe(200);
});

test("discovery names the services and the mode", async () => {
  const manifest: unknown = await (await endpoint()("/discover", signed(DISCOVER, restate, "/discover"))).json();
  expect(manifest).toMatchObject({ protocolMode: "REQUEST_RESPONSE", services: [{ name: "Echo" }] });
  const streaming = await endpoint({ bidirectional: true })("/discover", signed(DISCOVER, restate, "/discover"));
  expect(await streaming.json()).toMatchObject({ protocolMode: "BIDI_STREAM" });
});

test("a handler's serde decodes a payload, body and all, behind the mount", async () => {
  const path = "/serdes/Echo/decode/say/input";
  expect(await (await endpoint()(path, signed(DECODE, restate, path))).json()).toBe("hello");
});

test.each(REQUESTS)(
  "%s is refused unsigned, by a stranger, and by a stranger with a known key's name",
  async (path, init) => {
    await expect(endpoint()(path, init)).rejects.toThrow(rejected);
    await expect(endpoint()(path, signed(init, stranger, path))).rejects.toThrow(rejected);
    await expect(endpoint()(path, signed(init, stranger, path, { kid: restate.publicKey }))).rejects.toThrow(rejected);
  },
);

test.each(REQUESTS)("%s is refused with a signature for another path", async (path, init) => {
  for (const other of ["/restate" + path, "/invoke/Echo/plain", "/health", "/"]) {
    await expect(endpoint()(path, signed(init, restate, other))).rejects.toThrow(rejected);
  }
});

test.each(REQUESTS)("%s is refused when the signature has expired, or is from the future", async (path, init) => {
  await expect(endpoint()(path, signed(init, restate, path, { ageSeconds: 120 }))).rejects.toThrow(rejected);
  await expect(endpoint()(path, signed(init, restate, path, { ageSeconds: -120 }))).rejects.toThrow(rejected);
});

test.each(REQUESTS)("%s is refused with a damaged token", async (path, init) => {
  const headers = restate.headers(path);
  const token = headers["x-restate-jwt-v1"] ?? "";
  for (const damaged of ["", "x", token.slice(0, -4), token.replace(/\..*\./, ".e30.")]) {
    const request = { ...init, headers: { ...init.headers, ...headers, "x-restate-jwt-v1": damaged } };
    await expect(endpoint()(path, request)).rejects.toThrow(rejected);
  }
  const unknownScheme = { ...init, headers: { ...init.headers, ...headers, "x-restate-signature-scheme": "v9" } };
  await expect(endpoint()(path, unknownScheme)).rejects.toThrow(rejected);
  const unsigned = { ...init, headers: { ...init.headers, ...headers, "x-restate-signature-scheme": "unsigned" } };
  await expect(endpoint()(path, unsigned)).rejects.toThrow(rejected);
});

test.each([false, true])(
  "of an unsigned body without end little is read (bidirectional: %s)",
  async (bidirectional) => {
    const read = { bytes: 0, isCancelled: false };
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          read.bytes += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
        cancel: () => void (read.isCancelled = true),
      },
      { highWaterMark: 0 },
    );
    const request = { ...INVOKE, body, duplex: "half" } as RequestInit;
    await expect(endpoint({ bidirectional })("/invoke/Echo/say", request)).rejects.toThrow(rejected);
    await expect.poll(() => read.isCancelled).toBe(true);
    expect(read.bytes).toBeLessThanOrEqual(262_144);
  },
);

test.each([false, true])("empty pieces of a body are passed over (bidirectional: %s)", async (bidirectional) => {
  const pieces = ["", "hel", "", "", "lo", ""].map((piece) => new TextEncoder().encode(piece));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
  const path = "/serdes/Echo/decode/say/input";
  const request = { ...signed(DECODE, restate, path), body, duplex: "half" } as RequestInit;
  expect(await (await endpoint({ bidirectional })(path, request)).json()).toBe("hello");
});

test("an unsigned body that does not come holds no answer back", async () => {
  const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  const request = { ...INVOKE, body, duplex: "half" } as RequestInit;
  await expect(endpoint()("/invoke/Echo/say", request)).rejects.toThrow(rejected);
});

test.each(REQUESTS)("%s is served with the old and the new key while keys rotate", async (path, init) => {
  const next = new RestateIdentity();
  const rotating = endpoint({ identityKeys: [restate.publicKey, next.publicKey] });
  expect((await rotating(path, signed(init, restate, path))).status).toBe(200);
  expect((await rotating(path, signed(init, next, path))).status).toBe(200);
  await expect(rotating(path, signed(init, stranger, path))).rejects.toThrow(rejected);
});

test("keys are checked in development, too, when there are some", async () => {
  await expect(endpoint({ development: true })("/discover", DISCOVER)).rejects.toThrow(rejected);
});

test("without keys, development serves anyone and production does not start", async () => {
  expect((await endpoint({ identityKeys: [], development: true })("/discover", DISCOVER)).status).toBe(200);
  expect(() => endpoint({ identityKeys: [] })).toThrow(
    expect.objectContaining({ errorCode: "identity-keys-missing", code: 503 }) as Error,
  );
});

test("the SDK's own health check is not served, with or without a signature", async () => {
  const notFound = expect.objectContaining({ errorCode: "not-found", code: 404 }) as Error;
  for (const path of ["/health", "/x/health", "/serdes/Echo/encode/x%2fhealth"]) {
    await expect(endpoint()(path)).rejects.toThrow(notFound);
    await expect(endpoint()(path, { headers: restate.headers(path) })).rejects.toThrow(notFound);
  }
});

test("bidirectional mode is refused on Workers, with keys and in development", () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const refused = expect.objectContaining({ errorCode: "bidirectional-unsupported" }) as Error;
  expect(() => endpoint({ bidirectional: true })).toThrow(refused);
  expect(() => endpoint({ bidirectional: true, development: true, identityKeys: [] })).toThrow(refused);
  expect(() => endpoint()).not.toThrow();
});
