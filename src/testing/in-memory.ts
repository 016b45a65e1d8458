/** The part of the test kit that needs no Node: it runs on workerd and Deno too. */
export { scriptedModel } from "./scripted-model.ts";
export type { ModelScript, ScriptedModel } from "./scripted-model.ts";
export { crashEverywhere, runFake } from "./run-fake.ts";
export type { FakeCrashes, FakeOptions, FakeResult } from "./run-fake.ts";
export { FakeJournal, FakeJournalMismatch } from "./fake-journal.ts";
export type { FakeEvent, FakeOutcome } from "./fake-journal.ts";
export type { FakeMode } from "./fake-attempt.ts";
