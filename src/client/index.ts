/** Public names of restate-edge-agents/client. Nothing here needs the Restate SDK, zod or the AI SDK at run time. */
export { createClient } from "./client.ts";
export type { AgentClient } from "./client.ts";
export { AgentClientError } from "./client-error.ts";
export type { AgentClientErrorKind, AgentFailure } from "./client-error.ts";
export type { AgentHandler, HandlersClient } from "./definitions.ts";
export type { AgentInvocation, AgentInvocationStatus } from "./invocation.ts";
export type { AgentClientOptions, ClientFetch, RequestOptions, RunOptions, SendOptions, Supplied } from "./options.ts";
export { chatTransport } from "./chat-transport.ts";
export type { ChatMode, ChatTransportOptions } from "./chat-transport.ts";
export { createChatClient } from "./chat-client.ts";
export type {
  ChatApproval,
  ChatClient,
  ChatClientOptions,
  Conversation,
  HistoryOptions,
  Interrupted,
} from "./chat-client.ts";
