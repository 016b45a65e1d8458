import fc from "fast-check";
import { expect, test } from "vitest";
import {
  approvalStepName,
  continueStepName,
  downloadStepName,
  MODEL_CALLS,
  modelCallStepName,
  mcpListStepName,
  mcpStepName,
  modelStepName,
  parseStepName,
  rollbackStepName,
  toolStepName,
  undoStepName,
} from "../../../src/journal/step-names.ts";

test.each([
  ["travel model 3", { kind: "model", agent: "travel", n: 3 }],
  ["travel agent 2 model 10", { kind: "model", agent: "travel agent 2", n: 10 }],
  ["travel tool getWeather call_1", { kind: "tool", agent: "travel", tool: "getWeather", toolCallId: "call_1" }],
  [
    "travel tool getWeather call_1 #2",
    { kind: "tool", agent: "travel", tool: "getWeather", toolCallId: "call_1", repetition: 2 },
  ],
  ["travel policy book call_1", { kind: "policy", agent: "travel", tool: "book", toolCallId: "call_1" }],
  ["travel approval book call_1", { kind: "approval", agent: "travel", tool: "book", toolCallId: "call_1" }],
  [
    "travel decision book call_1 #2",
    { kind: "decision", agent: "travel", tool: "book", toolCallId: "call_1", repetition: 2 },
  ],
  ["travel undo book call_1", { kind: "undo", agent: "travel", tool: "book", toolCallId: "call_1" }],
  [
    "travel:2 undo book call_1 #2",
    { kind: "undo", agent: "travel:2", tool: "book", toolCallId: "call_1", repetition: 2 },
  ],
  ["travel rollback cancel the hotel", { kind: "undo", agent: "travel", label: "cancel the hotel" }],
  ["handler rollback refund #3", { kind: "undo", agent: "handler", label: "refund", repetition: 3 }],
  ["travel client-call locate call_1", { kind: "client-call", agent: "travel", tool: "locate", toolCallId: "call_1" }],
  [
    "travel client-result locate call_1 #2",
    { kind: "client-result", agent: "travel", tool: "locate", toolCallId: "call_1", repetition: 2 },
  ],
  ["travel download 1", { kind: "download", agent: "travel", n: 1 }],
  ["text-embedding-3-small embed 1", { kind: "embed", agent: "text-embedding-3-small", n: 1 }],
  ["gpt-image-1 image 2", { kind: "image", agent: "gpt-image-1", n: 2 }],
  ["tts-1 speech 3", { kind: "speech", agent: "tts-1", n: 3 }],
  ["whisper-1 transcribe 4", { kind: "transcribe", agent: "whisper-1", n: 4 }],
  ["rerank-v3.5 rerank 5", { kind: "rerank", agent: "rerank-v3.5", n: 5 }],
  ["travel tool image 1", { kind: "tool", agent: "travel", tool: "image", toolCallId: "1" }],
  ["travel continue", { kind: "continue", agent: "travel" }],
  ["travel mcp files list", { kind: "mcp", agent: "travel", server: "files" }],
  ["travel:2 mcp my.files-1 list", { kind: "mcp", agent: "travel:2", server: "my.files-1" }],
  ["mcp files resources", { kind: "mcp", server: "files" }],
  ["mcp files call search", { kind: "mcp", server: "files" }],
  ["mcp files resource file:///a%20b.txt #3", { kind: "mcp", server: "files", repetition: 3 }],
  ["mcp files wipe", undefined],
  ["mcp files call", undefined],
  ["hold seat", undefined],
  ["model 1", undefined],
  [" model x", undefined],
  ["travel model 01", undefined],
  ["travel tool", undefined],
  ["", undefined],
])("%j", (name, parsed) => {
  expect(parseStepName(name)).toEqual(parsed);
});

test("what is made of names is read back", () => {
  const agent = fc
    .stringMatching(/^[a-z]+( [a-z]+)?$/)
    .filter(
      (name) =>
        !/embed|image|speech|transcribe|rerank|model|tool|download|continue|policy|approval|decision|undo|rollback|client/.test(
          name,
        ),
    );
  const word = fc.stringMatching(/^[\w-]{1,12}$/);
  const count = fc.integer({ min: 1, max: 1e9 });
  fc.assert(
    fc.property(agent, word, word, count, (id, tool, toolCallId, n) => {
      expect(parseStepName(modelStepName(id, n))).toEqual({ kind: "model", agent: id, n });
      expect(parseStepName(downloadStepName(id, n))).toEqual({ kind: "download", agent: id, n });
      for (const kind of MODEL_CALLS) {
        expect(parseStepName(modelCallStepName(kind, id, n))).toEqual({ kind, agent: id, n });
      }
      expect(parseStepName(continueStepName(id))).toEqual({ kind: "continue", agent: id });
      expect(parseStepName(mcpListStepName(id, tool))).toEqual({ kind: "mcp", agent: id, server: tool });
      const again = n === 1 ? {} : { repetition: n };
      expect(parseStepName(mcpStepName(tool, "resource", `a b/${toolCallId}`, n))).toEqual({
        kind: "mcp",
        server: tool,
        ...again,
      });
      const name = toolStepName(id, tool, toolCallId, n);
      expect(parseStepName(name)).toEqual({ kind: "tool", agent: id, tool, toolCallId, ...again });
      const undo = { kind: "undo", agent: id, ...again };
      expect(parseStepName(undoStepName(id, tool, toolCallId, n))).toEqual({ ...undo, tool, toolCallId });
      expect(parseStepName(rollbackStepName(id, tool, n))).toEqual({ ...undo, label: tool });
      for (const kind of ["policy", "approval", "decision", "client-call", "client-result"] as const) {
        const other = approvalStepName(kind, id, tool, toolCallId, n);
        expect(parseStepName(other)).toEqual({ kind, agent: id, tool, toolCallId, ...again });
      }
    }),
  );
});
