import { afterEach, expect, test, vi } from "vitest";
import { AdminHttp } from "../../../src/admin/admin-http.ts";
import { Invocations } from "../../../src/admin/invocations/invocations.ts";

const IDS = ["inv_1hxbgI5eIXYm0ZiJrI0MVT2kV56GiAjGeT", "inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR"] as const;
const [first, second] = IDS;
const upstream = vi.fn<(path: string, body: unknown) => Response | Promise<Response>>();

const invocations = (): Invocations => {
  vi.stubGlobal("fetch", (url: string, init: RequestInit) =>
    upstream(
      new URL(url).pathname + new URL(url).search,
      typeof init.body === "string" ? JSON.parse(init.body) : undefined,
    ),
  );
  return new Invocations(new AdminHttp({ url: "http://restate.test:9070" }));
};
const paths = (): string[] => upstream.mock.calls.map(([path]) => path);
const refusal = (status: number, message: string): Response => Response.json({ message }, { status });

afterEach(() => {
  vi.unstubAllGlobals();
  upstream.mockReset();
});

test("a batch is one request where Restate offers that", async () => {
  upstream.mockResolvedValueOnce(
    Response.json({
      succeeded: [second],
      failed: [{ invocation_id: first, error: `Invocation '${first}' not found` }],
    }),
  );
  expect(await invocations().actOnAll([first, second, first, "x"], "resume", { deployment: "latest" })).toEqual([
    { id: first, done: false, code: "invocation-not-found", reason: `Invocation '${first}' not found` },
    expect.objectContaining({ id: second, done: true }),
    { id: "x", done: false, code: "invocation-not-found", reason: expect.any(String) as string },
  ]);
  expect(upstream.mock.calls).toEqual([
    ["/internal/invocations_batch_operations/resume", { invocation_ids: [...IDS], deployment: "latest" }],
  ]);
});

test.each([404, 405])("%s there: each invocation is asked for alone", async (status) => {
  upstream.mockImplementation((path) => {
    if (path.startsWith("/internal/")) return refusal(status, "no such thing");
    return path.includes(first) ? new Response(null, { status: 202 }) : refusal(409, "was already completed");
  });
  expect(await invocations().actOnAll(IDS, "cancel")).toEqual([
    { id: first, done: true, newId: undefined },
    {
      id: second,
      done: false,
      code: "restate-refused",
      reason: expect.stringContaining("already completed") as string,
    },
  ]);
  expect(paths().slice(1).toSorted()).toEqual(IDS.map((id) => `/invocations/${id}/cancel`).toSorted());
});

test.each([400, 409, 422, 500, 501])(
  "%s there may come after a part was done: nothing is tried again",
  async (status) => {
    upstream.mockImplementation((path) =>
      path.startsWith("/internal/") ? refusal(status, "no") : Response.json({ new_invocation_id: second }),
    );
    await expect(invocations().actOnAll(IDS, "restart")).rejects.toMatchObject({ errorCode: "restate-refused" });
    expect(upstream).toHaveBeenCalledTimes(1);
  },
);

test("at most six are asked at once", async () => {
  let atOnce = 0;
  let most = 0;
  upstream.mockImplementation(async (path) => {
    if (path.startsWith("/internal/")) return refusal(404, "");
    most = Math.max(most, ++atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce--;
    return new Response(null, { status: 202 });
  });
  const digits = Array.from({ length: 40 }, (_, n) => String(n + 10));
  const ids = digits.map((two) => `${first.slice(0, -2)}${two}`);
  const items = await invocations().actOnAll(ids, "cancel");
  expect(items.map(({ id, done }) => [id, done])).toEqual(ids.map((id) => [id, true]));
  expect(most).toBe(6);
});

test("an answer that is not understood is no reason to do it twice", async () => {
  upstream.mockResolvedValueOnce(Response.json({ ok: [first] }));
  await expect(invocations().actOnAll(IDS, "restart")).rejects.toMatchObject({ errorCode: "restate-unexpected" });
  expect(upstream).toHaveBeenCalledTimes(1);
});

test("one that the answer does not mention is neither done nor tried again", async () => {
  upstream.mockResolvedValueOnce(
    Response.json({ succeeded: [{ old_invocation_id: first, new_invocation_id: second }], failed: [] }),
  );
  expect(await invocations().actOnAll(IDS, "restart")).toEqual([
    { id: first, done: true, newId: second },
    { id: second, done: false, code: "restate-unexpected", reason: expect.any(String) as string },
  ]);
});

test("a restart from a step goes one by one, with what Restate keeps before it", async () => {
  upstream.mockImplementation(() => Response.json({ new_invocation_id: second }));
  const act = (options: object): Promise<unknown> => invocations().actOnAll([first], "restart", options);
  for (const options of [{ from: 4 }, { from: 1, deployment: "keep" }, { deployment: "latest" }]) {
    expect(await act(options)).toEqual([{ id: first, done: true, newId: second }]);
  }
  expect(paths()).toEqual([
    `/invocations/${first}/restart-as-new?from=3`,
    `/invocations/${first}/restart-as-new?from=0&deployment=keep`,
    `/invocations/${first}/restart-as-new?from=0&deployment=latest`,
  ]);
});

test.each([
  [503, "restate-unreachable"],
  [401, "restate-unauthorized"],
])("when Restate begins to answer %s, no more is asked for, and what was done is told", async (status, code) => {
  let asked = 0;
  upstream.mockImplementation((path) => {
    if (path.startsWith("/internal/")) return refusal(404, "");
    return asked++ === 0 ? new Response(null, { status: 202 }) : refusal(status, "");
  });
  const ids = Array.from({ length: 40 }, (_, n) => `${first.slice(0, -2)}${n + 10}`);
  const items = await invocations().actOnAll(ids, "cancel");
  expect(items.map(({ id }) => id)).toEqual(ids);
  expect(items.filter(({ done }) => done)).toHaveLength(1);
  expect(new Set(items.slice(1).map((item) => item.code))).toEqual(new Set([code]));
  expect(asked).toBeLessThan(10);
});

test("a failure of Restate while nothing was done is that failure", async () => {
  upstream.mockImplementation((path) => (path.startsWith("/internal/") ? refusal(404, "") : refusal(503, "busy")));
  await expect(invocations().actOnAll(IDS, "cancel")).rejects.toMatchObject({ errorCode: "restate-unreachable" });
});

test("more than 1,000 are refused before anything happens", async () => {
  const ids = Array.from({ length: 1001 }, () => first);
  await expect(invocations().actOnAll(ids, "kill")).rejects.toMatchObject({ errorCode: "invalid-request" });
  expect(upstream).not.toHaveBeenCalled();
});

test("an unknown deployment is no unknown invocation", async () => {
  upstream.mockResolvedValueOnce(refusal(404, "The requested deployment 'dp_1' does not exist"));
  await expect(invocations().act(first, "resume", { deployment: "dp_1" })).rejects.toMatchObject({
    errorCode: "restate-refused",
    code: 404,
  });
  upstream.mockResolvedValueOnce(refusal(404, `The requested invocation '${first}' does not exist`));
  await expect(invocations().act(first, "resume")).rejects.toMatchObject({ errorCode: "invocation-not-found" });
});
