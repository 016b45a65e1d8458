/** One version per URL (G10), on the endpoint without an app around it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { createRestateEndpoint, type RestateEndpointOptions } from "../../../src/endpoint/restate-endpoint.ts";
import { RETRY_AFTER_SECONDS } from "../../../src/endpoint/version-guard.ts";
import { RestateIdentity } from "../../../src/testing/restate-identity.ts";
import { DECODE, DISCOVER, echoService, INVOKE } from "./echo-service.ts";

const restate = new RestateIdentity();
const stranger = new RestateIdentity();
const REQUESTS = [
  ["/discover", DISCOVER],
  ["/invoke/Echo/say", INVOKE],
  ["/serdes/Echo/decode/say/input", DECODE],
] as const;
const rejected = expect.objectContaining({ errorCode: "identity-rejected", code: 401 }) as Error;
const mismatch = expect.objectContaining({
  errorCode: "version-mismatch",
  code: 503,
  fields: { retryAfterSeconds: RETRY_AFTER_SECONDS },
}) as Error;

afterEach(() => vi.restoreAllMocks());

type Serve = (path: string, init?: RequestInit) => Promise<Response>;

function endpoint(options: Partial<RestateEndpointOptions> = {}): Serve {
  const serve = createRestateEndpoint({
    services: [echoService],
    identityKeys: [restate.publicKey],
    mount: "/restate",
    version: "v7",
    ...options,
  });
  return (path, init = {}) => serve(new Request(`https://worker.example/restate${path}`, init));
}

const signed = (init: RequestInit, by: RestateIdentity, path: string): RequestInit => ({
  ...init,
  headers: { ...(init.headers as Record<string, string>), ...by.headers(path) },
});

describe.each(REQUESTS)("%s", (path, init) => {
  test("is served below the own version, signed for the path without it", async () => {
    const response = await endpoint()(`/v/v7${path}`, signed(init, restate, path));
    expect(response.status).toBe(200);
    await expect(endpoint()(`/v/v7${path}`, signed(init, restate, `/v/v7${path}`))).rejects.toThrow(rejected);
  });

  test("is served without a version as ever", async () => {
    expect((await endpoint()(path, signed(init, restate, path))).status).toBe(200);
  });

  test.each(["v6", "V7", "v77", "v", "7", "v7.", "-", "7b0c1de6-0c3e-4d8f-9d0c-2f2b1f0a1b2c"])(
    "is not served below another version: %s",
    async (version) => {
      await expect(endpoint()(`/v/${version}${path}`, signed(init, restate, path))).rejects.toThrow(mismatch);
    },
  );

  test("is not served below any version when none is known", async () => {
    const serve = endpoint({ version: null });
    for (const asked of ["v7", "null", "undefined"]) {
      await expect(serve(`/v/${asked}${path}`, signed(init, restate, path))).rejects.toThrow(mismatch);
    }
    expect((await serve(path, signed(init, restate, path))).status).toBe(200);
  });

  test("tells strangers nothing of versions", async () => {
    for (const version of ["v6", "v7"]) {
      await expect(endpoint()(`/v/${version}${path}`, init)).rejects.toThrow(rejected);
      await expect(endpoint()(`/v/${version}${path}`, signed(init, stranger, path))).rejects.toThrow(rejected);
      await expect(endpoint()(`/v/${version}${path}`, signed(init, restate, "/health"))).rejects.toThrow(rejected);
    }
  });

  test("is guarded in development without keys, too", async () => {
    const serve = endpoint({ identityKeys: [], development: true });
    expect((await serve(`/v/v7${path}`, init)).status).toBe(200);
    await expect(serve(`/v/v6${path}`, init)).rejects.toThrow(mismatch);
  });

  test("is guarded in bidirectional mode, too", async () => {
    const serve = endpoint({ bidirectional: true });
    expect((await serve(`/v/v7${path}`, signed(init, restate, path))).status).toBe(200);
    await expect(serve(`/v/v6${path}`, signed(init, restate, path))).rejects.toThrow(mismatch);
  });
});

test("the error tells what to do: which version runs, or how to make it known", async () => {
  const say = (serve: Serve): Promise<Response> => serve("/v/v6/discover", signed(DISCOVER, restate, "/discover"));
  await expect(say(endpoint())).rejects.toThrow('Cannot serve version "v6": version "v7" runs here. Deploy');
  await expect(say(endpoint({ version: null }))).rejects.toThrow("Set APP_VERSION, or bind version_metadata");
});

test("of a request for another version no byte of the body is read, signed or not", async () => {
  let pulls = 0;
  const init = (): RequestInit => {
    const body = new ReadableStream<Uint8Array>({ pull: () => void (pulls += 1) }, { highWaterMark: 0 });
    return { ...INVOKE, body, duplex: "half" } as RequestInit;
  };
  const path = "/invoke/Echo/say";
  await expect(endpoint()(`/v/v6${path}`, signed(init(), restate, path))).rejects.toThrow(mismatch);
  await expect(endpoint()(`/v/v6${path}`, init())).rejects.toThrow(rejected);
  expect(pulls).toBe(0);
});

test("requests for another version fill no log", async () => {
  const logged = (["debug", "info", "warn", "error", "log"] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation(() => {}),
  );
  const serve = endpoint();
  for (const spy of logged) spy.mockClear();
  for (const [path, init] of REQUESTS) {
    await expect(serve(`/v/v6${path}`, signed(init, restate, path))).rejects.toThrow(mismatch);
    await expect(serve(`/v/v6${path}`, init)).rejects.toThrow(rejected);
  }
  expect(logged.flatMap((spy) => spy.mock.calls)).toEqual([]);
});
