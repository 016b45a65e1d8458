/** Public names of restate-edge-agents/testing: what our own tests use, for yours. Node only. */

// Real servers
export { startRestate } from "./restate-server.ts";
export type { CallResult, JournalRow, RestateServerOptions, RestateTestServer } from "./restate-server.ts";
export { serveDeno, serveWorker } from "./serve.ts";
export type { ServedEndpoint, ServeOptions } from "./serve.ts";

// What lies outside: a model provider, effects
export { answeredToolCalls, startScriptedOpenAI } from "./scripted-openai.ts";
export type { RecordedRequest, Script, ScriptedOpenAI, ScriptedReply, ScriptedToolCall } from "./scripted-openai.ts";
export { scriptedModel } from "./scripted-model.ts";
export type { ScriptedModel } from "./scripted-model.ts";
export { startEffectServer } from "./effect-server.ts";
export type { Effect, EffectServer, EffectServerOptions } from "./effect-server.ts";

// An in-memory fake of Restate
export { runFake } from "./run-fake.ts";
export type { FakeOptions, FakeResult } from "./run-fake.ts";
export { FakeJournal, FakeJournalMismatch } from "./fake-journal.ts";
export type { FakeEvent, FakeOutcome } from "./fake-journal.ts";
export type { FakeMode } from "./fake-attempt.ts";
