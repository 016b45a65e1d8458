/** Bodies that clients of `/chat` and `/mcp` send, and nearly do. */
import { approvalId } from "../../../src/approvals/approval-id.ts";
import type { Random } from "./random.ts";

/** Ids are used again now and then, so that something is found. */
const idOf = (random: Random): string => `m${random.int(0, 40)}`;

/** The id of an approval that may exist, as far as its form tells. */
export function anApprovalId(random: Random): string {
  const uuid = Array.from({ length: 32 }, () => random.int(0, 15).toString(16)).join("");
  return approvalId(random.pick(["Chat.approvals", "Nope"]), uuid);
}

function userMessage(random: Random): object {
  const parts = random.pick<readonly object[]>([
    [{ type: "text", text: "Hi" }],
    [{ type: "text", text: "" }],
    [{ type: "text", text: "x".repeat(random.int(0, 20_000)) }],
    [{ type: "file", mediaType: "image/png", url: "data:image/png;base64,iVBORw0KGgo=" }],
    [{ type: "file", mediaType: "image/png", url: "data:image/png;base64,%%%" }],
    [{ type: "file", mediaType: "text/plain", url: "http://127.0.0.1:1/" }],
    [{ type: "step-start" }],
    [],
  ]);
  const role = random.pick(["user", "user", "user", "system", "assistant", "tool"]);
  return { ...(random.chance(0.8) ? { id: idOf(random) } : {}), role, parts };
}

function assistantMessage(random: Random): object {
  const tool = { type: "tool-look", toolCallId: random.pick(["c1", "c2"]), input: {} };
  const part = random.pick<object>([
    { ...tool, state: "output-available", output: random.pick<unknown>([1, "x", null, { a: [] }]) },
    { ...tool, state: "output-error", errorText: "no" },
    {
      ...tool,
      state: "approval-responded",
      approval: { id: random.pick([anApprovalId(random), "apr_1"]), approved: random.chance(0.5) },
    },
    { type: "text", text: "I say this" },
  ]);
  return { id: `${idOf(random)}-answer`, role: "assistant", parts: [{ type: "step-start" }, part] };
}

/** What a chat client posts. */
export function chatPost(random: Random): unknown {
  const messages = Array.from({ length: random.int(1, 4) }, () =>
    random.chance(0.75) ? userMessage(random) : assistantMessage(random),
  );
  const messageId = random.chance(0.2) ? { messageId: random.pick([idOf(random), `${idOf(random)}-answer`]) } : {};
  const more = {
    ...messageId,
    ...(random.chance(0.3) ? { mode: random.pick(["queue", "interrupt", "steer"]) } : {}),
    ...(random.chance(0.3) ? { until: random.pick(["pause", "end"]) } : {}),
    ...(random.chance(0.3) ? { id: `c${random.int(0, 2_000)}` } : {}),
  };
  return random.pick<unknown>([
    { messages, trigger: "submit-message", ...more },
    { messages, ...more },
    { message: "Hi", ...more },
    { messages, trigger: "regenerate-message", ...more },
  ]);
}

/** A message of MCP. */
export function mcpMessage(random: Random): unknown {
  const meta = { "io.modelcontextprotocol/protocolVersion": random.pick(["2025-06-18", "2026-07-28", "x"]) };
  const params = random.pick<unknown>([
    { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "fuzz", version: "1" } },
    { name: "Echo", arguments: { prompt: "Hi" } },
    { name: "Chat", arguments: { conversation: `c${random.int(0, 500)}`, message: "Hi" } },
    { name: "Chat", arguments: { conversation: `c${random.int(0, 500)}`, prompt: "Hi" }, _meta: meta },
    { name: 7, arguments: [] },
    {},
    null,
  ]);
  const method = random.pick(["initialize", "tools/list", "tools/call", "tools/call", "ping", "nope", ""]);
  return {
    jsonrpc: random.pick(["2.0", "2.0", "2.0", "1.0"]),
    id: random.pick<unknown>([1, "a", null]),
    method,
    params,
  };
}
