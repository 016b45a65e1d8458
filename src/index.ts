/** Public names of restate-edge-agents. */

// Agents
export { RestateAgent } from "./agent/restate-agent.ts";
export type { AgentStreamEvent, RestateAgentOptions } from "./agent/agent-options.ts";
export { agentService } from "./agent/agent-service.ts";
export type { AgentHandlers, AgentInput, AgentOutput, AgentServiceOptions } from "./agent/agent-service.ts";
export { dropOldToolResults, keepLastMessages } from "./agent/compaction.ts";
export type { Compaction } from "./agent/compaction.ts";
export type { CompactInfo, ContinueAsNewOptions } from "./agent/continue-as-new.ts";

// Budgets
export { budgetReport } from "./agent/budget/budget-report.ts";
export type { BudgetReport } from "./agent/budget/budget-report.ts";
export type { Budget, BudgetExceeded, BudgetLimit, BudgetSpent } from "./agent/budget/budget.ts";
export type { ModelPrice, Prices } from "./agent/budget/prices.ts";
export { withPermit } from "./agent/limits/permit.ts";
export type { LimitUse } from "./agent/limits/permit.ts";
export { rateLimit } from "./agent/limits/rate-limit.ts";
export type { RateLimit, RateLimitHandlers, RateLimitOptions, RateLimitStatus } from "./agent/limits/rate-limit.ts";

// Agents that call agents
export { agentTool } from "./subagents/agent-tool.ts";
export type {
  AgentToolCall,
  AgentToolInput,
  AgentToolOptions,
  LocalAgentToolOptions,
  MakeAgentTool,
  RemoteAgentToolOptions,
} from "./subagents/agent-tool.ts";
export { remoteAgent } from "./subagents/agent-target.ts";
export type { AgentReference, RemoteAgentOptions } from "./subagents/agent-target.ts";
export { agentJobs, cancelAgent, collectAgent, startAgent } from "./subagents/background.ts";
export type {
  AgentCallback,
  AgentHandle,
  AgentJobHandlers,
  AgentResult,
  StartAgentOptions,
} from "./subagents/background.ts";
export { callAgent } from "./subagents/call-agent.ts";
export type { CallAgentOptions } from "./subagents/call-agent.ts";
export { handoffAgent } from "./subagents/handoff-agent.ts";
export type { HandoffMember, HandoffSettings } from "./subagents/handoff-agent.ts";
export { raceAgents } from "./subagents/race-agents.ts";
export type { Contestants, RaceResult } from "./subagents/race-agents.ts";

// Sessions
export { agentSession } from "./session/agent-session.ts";
export type { SessionDefinition } from "./session/agent-session.ts";
export type { CompactionInput, CompactionOptions, SessionOptions, TitleInput } from "./session/session-options.ts";
export { answerIdOf, sessionInfo, streamIdOf } from "./session/session-info.ts";
export type { SessionInfo } from "./session/session-info.ts";
export type {
  HistoryAnswer,
  HistoryInput,
  InterruptAnswer,
  InterruptInput,
  RegenerateTurn,
  SendMessage,
  SessionAnswer,
  SessionHandlers,
  SessionInput,
  SessionMessage,
  SessionStatus,
  SteerAnswer,
  SteerInput,
  TurnMetadata,
  UpdateInput,
  UserInput,
} from "./session/session-types.ts";

// Models
export { durableModel } from "./model/durable-model.ts";
export type { DurableModelOptions } from "./model/durable-model.ts";
export type { DurableCallOptions } from "./model/kinds/call-options.ts";
export { durableEmbeddingModel } from "./model/kinds/durable-embedding-model.ts";
export { durableImageModel } from "./model/kinds/durable-image-model.ts";
export { durableRerankingModel } from "./model/kinds/durable-reranking-model.ts";
export { durableSpeechModel } from "./model/kinds/durable-speech-model.ts";
export { durableTranscriptionModel } from "./model/kinds/durable-transcription-model.ts";
export { fallbackEmbeddingModel } from "./model/fallback/fallback-embedding-model.ts";
export { fallbackModel } from "./model/fallback/fallback-model.ts";
export type { FallbackFailure, FallbackOptions, TriedModel } from "./model/fallback/fallback-options.ts";
export { demoModel } from "./model/demo-model.ts";
export type { StreamEvent } from "./model/stream-event.ts";

// Tools
export { contextTool } from "./tools/context-tool.ts";
export type { ToolErrorPolicy, ToolOptions } from "./tools/tool-options.ts";
export type { ToolOutputEvent } from "./tools/journal-tool.ts";

// Rollback
export { onRollback } from "./tools/rollback/on-rollback.ts";
export type { OnRollbackOptions } from "./tools/rollback/on-rollback.ts";
export { withRollback } from "./tools/rollback/with-rollback.ts";
export type { WithRollbackOptions } from "./tools/rollback/with-rollback.ts";
export { rollbackReport } from "./errors/rollback-report.ts";
export type { RollbackItem, RollbackOutcome, RollbackReport } from "./errors/rollback-report.ts";
export type { OnRollbackFailed, RollbackFailure } from "./tools/rollback/rollback-scope.ts";
export type { DoneCall, RollbackCall, ToolRollback, UncertainCall } from "./tools/rollback/tool-rollback.ts";

// MCP
export { McpClient } from "./mcp/mcp-client.ts";
export { oauthTokens } from "./mcp/oauth-tokens.ts";
export type { OAuthTokensOptions, OAuthTokenStore } from "./mcp/oauth-tokens.ts";
export { mcpTools } from "./mcp/mcp-tools.ts";
export type { McpClientOptions, McpHeaders, McpToolsOptions } from "./mcp/mcp-options.ts";
export type { McpPrompt, McpResourceContents, McpResources, McpResourceTemplate } from "./mcp/resources.ts";
export type { McpToolDefinition } from "./mcp/tool-list.ts";

// Approvals
export { approvalLink } from "./approvals/approval-link.ts";
export type { ApprovalLinkOptions } from "./approvals/approval-link.ts";
export { approvalObject } from "./approvals/approval-object.ts";
export type { ApprovalHandlers, ApprovalObjectOptions } from "./approvals/approval-object.ts";
export type { Approval, Approvals, ApprovalSession, ApprovalState } from "./approvals/approvals.ts";
export type { Denial } from "./approvals/denial.ts";
export { askUser } from "./tools/ask-user.ts";
export type { AskUserInput, AskUserOptions } from "./tools/ask-user.ts";

// Restate
export {
  isInsideHandler,
  restateContext,
  restateObjectContext,
  restateObjectSharedContext,
  restateWorkflowContext,
  restateWorkflowSharedContext,
  withRestateContext,
} from "./journal/context.ts";
export {
  DEFAULT_ABORT_TIMEOUT_MS,
  DEFAULT_RETRY_POLICY,
  handlers,
  object,
  service,
  workflow,
} from "./journal/handlers.ts";
export { RestatePromise } from "./journal/restate-promise.ts";
export { memoryBlobStore } from "./journal/blob-store.ts";
export type { BlobStore, MemoryBlobStore } from "./journal/blob-store.ts";
export type { BlobOptions } from "./journal/blobs.ts";
export type { JournalLimits } from "./journal/journal-size.ts";
export { r2BlobStore } from "./journal/r2-blob-store.ts";
export type { R2BucketLike } from "./journal/r2-blob-store.ts";
export { DEFAULT_WINDOW } from "./journal/run-ahead.ts";
export type { Window } from "./journal/run-ahead.ts";
export type { StepOptions } from "./journal/step-host.ts";
export { CancelledError, RetryableError, rpc, serde, TerminalError, TimeoutError } from "./restate.ts";
export type {
  Context,
  ObjectContext,
  ObjectSharedContext,
  ServiceOptions,
  VirtualObjectDefinition,
  WorkflowContext,
  WorkflowSharedContext,
} from "./restate.ts";

// Streams
export { durableObjectStreamStore } from "./stream/durable-object-store.ts";
export type { DurableObjectNamespaceLike } from "./stream/durable-object-store.ts";
export { memoryStreamStore } from "./stream/memory-stream-store.ts";
export type { MemoryStreamOptions, MemoryStreamStore } from "./stream/memory-stream-store.ts";
export { restateStreamStore } from "./stream/restate-stream-store.ts";
export type { RestateStreamStoreOptions } from "./stream/restate-stream-store.ts";
export { SSE_HEADERS, sseBody } from "./stream/sse.ts";
export type { SseEntry, SseOptions } from "./stream/sse.ts";
export { streamObject } from "./stream/stream-object.ts";
export type { StreamObject, StreamObjectHandlers, StreamObjectOptions } from "./stream/stream-object.ts";
export { readStream, readStreamPages } from "./stream/stream-reader.ts";
export type { ReadStreamOptions } from "./stream/stream-reader.ts";
export type {
  AppendAnswer,
  StreamBatch,
  StreamEnd,
  StreamEntry,
  StreamPage,
  StreamRead,
  StreamStore,
  StreamTail,
  StreamWriterId,
} from "./stream/stream-store.ts";

// Deploying
export { smokeService } from "./endpoint/smoke-service.ts";
export type { SmokeHandlers, SmokeOptions, SmokeResult } from "./endpoint/smoke-service.ts";

// Encryption
export { encryptedBlobStore } from "./encryption/encrypted-blob-store.ts";
export { journalEncryption } from "./encryption/journal-encryption.ts";
export type { JournalEncryption, JournalEncryptionOptions, PlaintextPolicy } from "./encryption/journal-encryption.ts";
export type { JournalKey } from "./encryption/journal-keys.ts";
export type { Redact, RedactedPlace } from "./encryption/redact.ts";
export { decryptedError } from "./encryption/sealing.ts";

// Telemetry
export { otlpTelemetry } from "./telemetry/otlp-telemetry.ts";
export type { OtlpTelemetryOptions } from "./telemetry/otlp-telemetry.ts";
export type { Span, SpanAttributes, SpanError, SpanExporter } from "./telemetry/span.ts";

// Errors
export { AbortedError } from "./errors/aborted-error.ts";
export { AgentCancelledError } from "./errors/agent-cancelled-error.ts";
export { AgentTimeoutError } from "./errors/agent-timeout-error.ts";
export { ApprovalsMissingError } from "./errors/approvals-missing-error.ts";
export { BlobMissingError } from "./errors/blob-missing-error.ts";
export { BudgetExceededError } from "./errors/budget-exceeded-error.ts";
export { ClientToolError } from "./errors/client-tool-error.ts";
export { DefinitionError } from "./errors/definition-error.ts";
export { EdgeAgentError } from "./errors/edge-agent-error.ts";
export { FallbackFailedError } from "./errors/fallback-failed-error.ts";
export type { FailedModel } from "./errors/fallback-failed-error.ts";
export { InsideStepError } from "./errors/inside-step-error.ts";
export { InvalidInputError } from "./errors/invalid-input-error.ts";
export { JournalTooLargeError } from "./errors/journal-too-large-error.ts";
export { JournalKeyUnknownError } from "./errors/journal-key-unknown-error.ts";
export { JournalPlaintextError } from "./errors/journal-plaintext-error.ts";
export { JournalTamperedError } from "./errors/journal-tampered-error.ts";
export { ModelCallError } from "./errors/model-call-error.ts";
export { OutsideHandlerError } from "./errors/outside-handler-error.ts";
export { OutsideRollbackError } from "./errors/outside-rollback-error.ts";
export { RaceFailedError } from "./errors/race-failed-error.ts";
export { RedactionFailedError } from "./errors/redaction-failed-error.ts";
export { RestateNotConfiguredError } from "./errors/restate-not-configured-error.ts";
export { RunTimeoutError } from "./errors/run-timeout-error.ts";
export { StreamLostError } from "./errors/stream-lost-error.ts";
export type { StreamLoss } from "./errors/stream-lost-error.ts";
export { StreamStoreError } from "./errors/stream-store-error.ts";
export { StreamTooLargeError } from "./errors/stream-too-large-error.ts";
export { ToolTimeoutError } from "./errors/tool-timeout-error.ts";
export { UncaughtError } from "./errors/uncaught-error.ts";
export { UnserializableValueError } from "./errors/unserializable-value-error.ts";
export { WrongHandlerKindError } from "./errors/wrong-handler-kind-error.ts";
