/** Public names of restate-edge-agents/routes. */
export { createEdgeApp } from "./app.ts";
export type { ApprovalOptions, ReviewRule } from "./approvals/approval-options.ts";
export type { EdgeAppOptions } from "./app.ts";
export type { AgentsRouteOptions, CorsOptions } from "./agents.ts";
export type { FlowControlledCall, FlowControlOf } from "./agents/flow-control.ts";
export type { FailureLine, Log, LogLine, RequestLine } from "./operations/log.ts";
export { mcpServer } from "./mcp.ts";
export type { McpServerApp, McpServerOptions } from "./mcp.ts";
export type { McpAgent } from "./mcp/exposed-agent.ts";
export type { McpAuthorization } from "./mcp/resource-metadata.ts";
export { playgroundFolder } from "./playground-files.ts";
export type { PlaygroundFiles } from "./playground-files.ts";
export { PROBLEM_CODES } from "./problem.ts";
export type { ProblemCode } from "./problem.ts";
export type { RateLimiter, RateLimitOutcome } from "./rate-limit.ts";
