/** When the stream of an answer is read on, and when it has ended. */
import { expect, test } from "vitest";
import { answerStream } from "../../../src/mcp/answer-stream.ts";

const events = (text: string): Response => new Response(text, { headers: { "content-type": "text/event-stream" } });

/** What the transport is given of an answer to request 7, and how often its stream was asked for again. */
async function read(text: string, rest = ""): Promise<{ told: string; reopened: string[]; progress: number }> {
  const { body } = events(text);
  if (body === null) throw new Error("No body");
  const reopened: string[] = [];
  let progress = 0;
  const stream = answerStream({
    body,
    requestId: 7,
    signal: AbortSignal.timeout(10_000),
    reopen: async (lastEventId) => {
      reopened.push(lastEventId);
      return events(rest);
    },
    onProgress: () => {
      progress += 1;
    },
    onSettled: () => undefined,
  });
  return { told: await new Response(stream).text(), reopened, progress };
}

const progressOf = (token: unknown): string =>
  `id: 1\nretry: 1\ndata: ${JSON.stringify({ method: "notifications/progress", params: { progressToken: token } })}\n\n`;
const answerTo = (id: unknown): string => `id: 2\ndata: ${JSON.stringify({ jsonrpc: "2.0", id, result: {} })}\n\n`;

test.each([7, "7"])(
  "an answer with the id %j is one, and so is a word of progress: then nothing is asked for",
  async (id) => {
    const { told, reopened, progress } = await read(progressOf(id) + answerTo(id));
    expect([reopened, progress]).toEqual([[], 1]);
    expect(told).not.toContain("stream ended");
  },
);

test.each([8, "07", null, {}])("an answer with the id %j is somebody else's: the stream goes on", async (id) => {
  const { told, reopened, progress } = await read(progressOf(id) + answerTo(id), answerTo(7));
  expect([reopened, progress]).toEqual([["2"], 0]);
  expect(told).not.toContain("stream ended");
});

test("an empty id takes the one before back: there is nothing to go on from", async () => {
  const { told, reopened } = await read("id: 1\ndata:\n\nid:\ndata:\n\n", answerTo(7));
  expect(reopened).toEqual([]);
  expect(told).toContain("stream ended");
});
