/** This app's smoke service: whether the model provider accepts the key. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { smoke } from "../../../agents/smoke.ts";
import type { Context } from "../../../src/restate.ts";
import { type FakeResult, runFake } from "../../../src/testing/in-memory.ts";

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
  for (const name of ["OPENAI_API_KEY", "OPENAI_BASE_URL"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  fetched.mockReset();
});

const call = (): Promise<FakeResult<unknown>> => {
  const { service } = smoke as { readonly service?: { readonly run: (context: Context) => Promise<unknown> } };
  return runFake(async (context) => service?.run(context), { mode: "request-response" });
};
const answer = (status: number): void => void fetched.mockResolvedValue(new Response(null, { status }));

test("without a key there is nothing to ask: the demo model answers", async () => {
  expect((await call()).outcome).toMatchObject({ ok: true, value: { ok: true } });
  expect(fetched).not.toHaveBeenCalled();
});

test.each([
  [undefined, "https://api.openai.com/v1/models"],
  ["https://models.example.com/v1", "https://models.example.com/v1/models"],
])("with a key the provider is asked, at OPENAI_BASE_URL=%s", async (baseUrl, url) => {
  vi.stubEnv("OPENAI_API_KEY", "secret");
  vi.stubEnv("OPENAI_BASE_URL", baseUrl);
  // Not every server that speaks the protocol has this route.
  for (const status of [200, 404]) {
    answer(status);
    expect((await call()).outcome).toMatchObject({ ok: true });
    expect(fetched.mock.lastCall).toMatchObject([url, { headers: { authorization: "Bearer secret" } }]);
  }
});

test.each([
  [401, 1, "The model provider does not accept OPENAI_API_KEY"],
  [403, 1, "The model provider does not accept OPENAI_API_KEY"],
  [500, 3, "The model provider answered 500"],
])(
  "a provider that answers %d fails the call after %d attempts, and no key is told",
  async (status, attempts, told) => {
    vi.stubEnv("OPENAI_API_KEY", "secret-of-tests");
    answer(status);
    const { outcome } = await call();
    expect(outcome).toMatchObject({ ok: false, error: { message: told } });
    expect(fetched).toHaveBeenCalledTimes(attempts);
  },
);
