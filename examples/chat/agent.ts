/**
 * A conversation: a virtual object whose key is the conversation. Turns queue, the history is kept, long conversations are
 * summarised, idle ones expire, and the answer streams to any number of readers.
 *
 * Chat: `POST /chat/Chat/<conversation>` with the AI SDK's `useChat`, or `POST /agents/Chat/<conversation>/send` with
 * `{ "message": "My name is Ada." }`.
 */
import { appModel } from "../../agents/model.ts";
import { agentSession, RestateAgent } from "../../src/index.ts";

const agent = new RestateAgent({ id: "chat", model: appModel(), instructions: "You are a friendly assistant." });

/** One conversation a key. */
export const chat = agentSession("Chat", agent, {
  compaction: { maxTokens: 100_000, keepTurns: 10 },
  expiry: { days: 30 },
});
