/** A link in a conversation that cannot be downloaded costs one turn, not all that follow. */
import { expect, test } from "vitest";
import { DownloadFailedError } from "../../../src/errors/download-failed-error.ts";
import { agentSession, RestateAgent } from "../../../src/index.ts";
import { lostFilesAfter, withoutLostFiles } from "../../../src/session/turn/lost-files.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession } from "./fake-session.ts";
import { promptOf } from "./prompts.ts";

// The AI SDK downloads nothing from here, without asking.
const url = "http://127.0.0.1:1/a.png?signature=1";
const parts = [
  { type: "text" as const, text: "Look" },
  { type: "file" as const, mediaType: "image/png", url },
];

test("the turn with the link fails, and the next one is told that the file is not available", async () => {
  const model = scriptedModel(() => ({ text: "Well." }));
  const agent = new RestateAgent({ id: "support", model });
  const session = new FakeSession(agentSession("Support", agent, { streams: memoryStreamStore(), steering: false }));
  await session.start();
  try {
    const { outcome } = await session.run("send", { message: { parts }, turn: "m1" });
    expect(outcome.ok ? outcome.value : outcome.error).toBeInstanceOf(DownloadFailedError);
    for (const turn of ["m2", "m3"]) {
      expect(await session.send({ message: "And now?", turn })).toMatchObject({ text: "Well." });
      expect(promptOf(model.calls.at(-1))[0]).toBe(
        "user: Look, [The file http://127.0.0.1:1/a.png is not available any more.]",
      );
    }
    // Whoever sends it again means it.
    const again = await session.run("send", { message: { parts }, turn: "m4" });
    expect(again.outcome.ok).toBe(false);
  } finally {
    await session.stop();
  }
});

test("other files stay, and what the messages hold themselves", () => {
  const file = (data: string | URL | { type: "url"; url: URL }) => ({
    type: "file" as const,
    mediaType: "image/png",
    data,
  });
  const kept = [file("https://a.example/b.png"), file("AAAA"), file(new URL("https://a.example/c.png"))];
  const gone = file({ type: "url", url: new URL("https://a.example/a.png?x=1#y") });
  const lost = lostFilesAfter([], new DownloadFailedError("https://a.example/a.png", "status 404", 404));
  const [message] = withoutLostFiles([{ role: "user", content: [...kept, gone] }], lost);
  const note = { type: "text", text: "[The file https://a.example/a.png is not available any more.]" };
  expect(message?.content).toEqual([...kept, note]);
  expect(lostFilesAfter(lost, new Error("other"))).toBe(lost);
});
