import { expect, test } from "vitest";
import { sseResponse } from "../../../../routes/chat/sse-response.ts";

async function* nothing(): AsyncGenerator<never, void, void> {}

test("what no header can carry is left out: turns begun through /agents may have any id", async () => {
  for (const turn of ["日本", "a\nb", "a\r\nset-cookie: x=1", "a\u0000"]) {
    const answer = sseResponse(nothing, { "x-restate-id": "inv_1", "x-turn": turn });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-restate-id")).toBe("inv_1");
    expect([...answer.headers.keys()]).not.toContain("x-turn");
    expect(await answer.text()).toBe("data: [DONE]\n\n");
  }
});

test("ids of turns that the chat takes are told", () => {
  expect(sseResponse(nothing, { "x-turn": "msg_1.a:b~c-d" }).headers.get("x-turn")).toBe("msg_1.a:b~c-d");
});
