/** Public names of restate-edge-agents/testing: what our own tests use, for yours. Node only. */

// Real servers
export { startRestate } from "./restate-server.ts";
export type {
  CallOptions,
  CallResult,
  JournalRow,
  RestateRetryPolicy,
  RestateServerOptions,
  RestateTestServer,
} from "./restate-server.ts";
export { serveDeno, serveWorker } from "./serve.ts";
export type { ServeDenoOptions, ServedEndpoint, ServeOptions, ServeWorkerOptions } from "./serve.ts";

// What lies outside: a model provider, effects
export { answeredToolCalls, repliesByTurn, startScriptedOpenAI, turnOfConversation } from "./scripted-openai.ts";
export type {
  MediaScript,
  RecordedMediaRequest,
  RecordedRequest,
  Script,
  ScriptedOpenAI,
  ScriptedOpenAIOptions,
  ScriptedReply,
  ScriptedToolCall,
} from "./scripted-openai.ts";
export { wordEmbedding } from "./openai-media.ts";
export { startEffectServer } from "./effect-server.ts";
export type { Effect, EffectServer, EffectServerOptions } from "./effect-server.ts";
export { waitUntil } from "./wait.ts";
export type { WaitOptions } from "./wait.ts";

// In memory: scripted models, and a fake of Restate
export { crashEverywhere, FakeJournal, FakeJournalMismatch, runFake, scriptedModel } from "./in-memory.ts";
export type {
  FakeCrashes,
  FakeEvent,
  FakeMode,
  FakeOptions,
  FakeOutcome,
  FakeResult,
  ModelScript,
  ScriptedModel,
} from "./in-memory.ts";
