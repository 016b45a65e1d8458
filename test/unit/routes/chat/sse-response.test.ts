import { expect, test, vi } from "vitest";
import { sseResponse } from "../../../../routes/chat/sse-response.ts";

async function* nothing(): AsyncGenerator<never, void, void> {}

function fail(error: unknown): never {
  throw new Error("Nothing was to fail", { cause: error });
}

async function* broken(): AsyncGenerator<readonly [], void, void> {
  yield [];
  throw new Error("a secret reason");
}

test("a stream that fails is told of to the app, and to its reader without the reason", async () => {
  const onFailure = vi.fn<(error: unknown) => void>();
  const text = await sseResponse(broken, {}, onFailure).text();
  expect(text).toBe('data: {"type":"error","errorText":"An error occurred."}\n\ndata: [DONE]\n\n');
  expect(onFailure.mock.calls).toEqual([[new Error("a secret reason")]]);
});

test("a reader that has gone is no failure", async () => {
  const onFailure = vi.fn<(error: unknown) => void>();
  let state = "new";
  async function* waiting(signal: AbortSignal): AsyncGenerator<readonly [], void, void> {
    yield [];
    state = "waiting";
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    state = "aborted";
    throw new Error("aborted");
  }
  const reader = sseResponse(waiting, {}, onFailure).body?.getReader();
  await reader?.read();
  const next = reader?.read();
  await expect.poll(() => state).toBe("waiting");
  await reader?.cancel();
  await next;
  await expect.poll(() => state).toBe("aborted");
  // What the error sets in motion has run by then.
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(onFailure).not.toHaveBeenCalled();
});

test("what no header can carry is left out: turns begun through /agents may have any id", async () => {
  for (const turn of ["日本", "a\nb", "a\r\nset-cookie: x=1", "a\u0000"]) {
    const answer = sseResponse(nothing, { "x-restate-id": "inv_1", "x-turn": turn }, fail);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-restate-id")).toBe("inv_1");
    expect([...answer.headers.keys()]).not.toContain("x-turn");
    expect(await answer.text()).toBe("data: [DONE]\n\n");
  }
});

test("ids of turns that the chat takes are told", () => {
  expect(sseResponse(nothing, { "x-turn": "msg_1.a:b~c-d" }, fail).headers.get("x-turn")).toBe("msg_1.a:b~c-d");
});
