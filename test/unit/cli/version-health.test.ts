import { afterEach, describe, expect, test } from "vitest";
import { versionHealth } from "../../../cli/deployments/version-health.ts";
import { listen, type LoopbackServer } from "../../../src/testing/http-server.ts";

let server: LoopbackServer | undefined;
afterEach(() => server?.close());

async function ask(status: number, body: string, expected?: string) {
  server = await listen(async (request, response) => {
    response.writeHead(request.url === "/health" ? status : 500);
    response.end(body);
  });
  const signal = new AbortController().signal;
  return versionHealth(`${server.url}/restate/v/one`, { expected, signal, timeoutMs: 2_000 });
}

describe("the version behind a URL", () => {
  test("is well when it answers as itself", async () => {
    expect(await ask(200, '{"version":"one"}', "one")).toEqual({ state: "ok", version: "one" });
  });

  test("is another one", async () => {
    expect(await ask(200, '{"version":"two"}', "one")).toMatchObject({ state: "other-version", version: "two" });
  });

  test.each(['{"version":null}', "{}", "<html>"])("is unknown when %s answers", async (body) => {
    expect(await ask(200, body, "one")).toMatchObject({ state: "unversioned" });
  });

  test("is not well when it answers 503", async () => {
    expect(await ask(503, "", "one")).toEqual({ state: "failing", detail: "/health answers 503" });
  });

  test("may be anything where none is expected", async () => {
    expect(await ask(200, '{"version":"two"}')).toEqual({ state: "ok", version: "two" });
  });

  test("is no app of this library where none is expected and there is no /health", async () => {
    expect(await ask(404, "")).toMatchObject({ state: "unknown" });
  });

  test("is unreachable when nothing listens", async () => {
    await ask(200, "{}");
    const url = server?.url ?? "";
    await server?.close();
    const signal = new AbortController().signal;
    expect(await versionHealth(url, { signal })).toEqual({ state: "unreachable", detail: "connection refused" });
  });

  test("is unreachable when it does not answer in time", async () => {
    server = await listen(() => new Promise(() => {}));
    const signal = new AbortController().signal;
    expect(await versionHealth(server.url, { signal, timeoutMs: 50 })).toMatchObject({ state: "unreachable" });
  });

  test("is not waited for after Ctrl-C", async () => {
    const interrupt = new AbortController();
    server = await listen(async () => {
      interrupt.abort(new Error("Interrupted"));
      await new Promise(() => {});
    });
    await expect(versionHealth(server.url, { signal: interrupt.signal })).rejects.toThrow("Interrupted");
  });
});
