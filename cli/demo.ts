/**
 * `npm run demo`: kills the Worker in the middle of a run and shows that nothing durable happens twice. Real
 * restate-server, real workerd, the real `@ai-sdk/openai` over HTTP; the model behind it is scripted. Exits 0 only if
 * the story is true.
 */
import { orderScript, turnAfter, TURNS } from "../examples/crash/script.ts";
import { startEffectServer } from "../src/testing/effect-server.ts";
import { type JournalRow, startRestate } from "../src/testing/restate-server.ts";
import { answeredToolCalls, startScriptedOpenAI } from "../src/testing/scripted-openai.ts";
import { serveWorker } from "../src/testing/serve.ts";

const KILL_AFTER = 3;

/** One thing that was seen from outside. */
interface Seen {
  readonly step: string;
  readonly process: number;
}

const begun: Seen[] = [];
const seen: Seen[] = [];
let generation = 1;
const reached = Promise.withResolvers<void>();
const stepOf = ({ name, key }: { readonly name: string; readonly key: string }): string =>
  `order tool ${name} ${name}-${key}`;
/** A step has ended: its answer is on the way to the Worker, and from there to Restate. */
let ended = 0;
const end = (): void => {
  ended += 1;
  if (ended === KILL_AFTER) setTimeout(reached.resolve, 40);
};

const started = performance.now();
const effects = await startEffectServer({
  transactional: true,
  delayMs: (effect) => {
    begun.push({ step: stepOf(effect), process: generation });
    return 120;
  },
  onEffect: (effect) => {
    seen.push({ step: stepOf(effect), process: generation });
    end();
  },
});
const openai = await startScriptedOpenAI((request, n) => {
  seen.push({ step: `order model ${turnAfter(answeredToolCalls(request)) + 1}`, process: generation });
  setTimeout(end, 80);
  return orderScript(request, n);
});
const entry = new URL("../examples/crash/worker.ts", import.meta.url).pathname;
const vars = { OPENAI_BASE_URL: openai.baseURL, EFFECT_URL: effects.url, ENVIRONMENT: "development" };
const [restate, worker] = await Promise.all([startRestate(), serveWorker({ entry, vars })]);

try {
  await restate.register(`${worker.url}/restate`, { http11: true });
  console.log(`restate-server and workerd are up after ${seconds(started)}. An agent takes an order:\n`);
  const id = await restate.send("OrderAgent/run", "A lamp and a desk for Ada, please");
  await reached.promise;
  await worker.kill();
  generation = 2;
  const durable = completedSteps(await restate.journal(id));
  console.log(`  SIGKILL to the Worker: ${durable.size} steps are in the journal.`);
  await worker.start();
  console.log("  The Worker is back.\n");
  const result = await restate.attach(id, 30_000);
  const journal = await restate.journal(id);
  printTimeline(journal, durable);
  process.exitCode = verdict(result, journal, durable) ? 0 : 1;
} finally {
  await Promise.all([restate.stop(), worker.stop(), openai.close(), effects.close()]);
}

function completedSteps(journal: readonly JournalRow[]): Set<string> {
  const done = new Set(
    journal.flatMap(({ entry_type, raw }) => (entry_type === "Notification: Run" ? (completionId(raw) ?? []) : [])),
  );
  return new Set(journal.flatMap(({ name, raw }) => (name && done.has(completionId(raw) ?? "") ? [name] : [])));
}

function completionId(raw: string | undefined): string | undefined {
  return /"(?:completion_id|CompletionId)":(\d+)/.exec(raw ?? "")?.[1];
}

function printTimeline(journal: readonly JournalRow[], durable: ReadonlySet<string>): void {
  console.log(`  ${"step".padEnd(44)}${"1st process".padEnd(16)}${"2nd process".padEnd(16)}duration`);
  for (const row of journal.filter(({ entry_type }) => entry_type === "Command: Run")) {
    const name = row.name ?? "";
    const ran = (number: number): boolean => seen.some(({ step, process }) => step === name && process === number);
    const cut = begun.some(({ step, process }) => step === name && process === 1) && !durable.has(name);
    const first = cut ? "interrupted" : ran(1) ? "executed" : "–";
    const second = ran(2) ? "executed" : durable.has(name) ? "replayed" : "–";
    console.log(`  ${name.padEnd(44)}${first.padEnd(16)}${second.padEnd(16)}${duration(journal, row)}`);
  }
}

function duration(journal: readonly JournalRow[], command: JournalRow): string {
  const end = journal.find(
    ({ entry_type, raw }) => entry_type === "Notification: Run" && completionId(raw) === completionId(command.raw),
  );
  if (end?.appended_at === undefined || command.appended_at === undefined) return "";
  return `${Date.parse(end.appended_at) - Date.parse(command.appended_at)} ms`;
}

function verdict(
  result: { readonly status: number; readonly body: unknown },
  journal: readonly JournalRow[],
  durable: ReadonlySet<string>,
): boolean {
  const count = (kind: string): number => seen.filter(({ step }) => step.includes(` ${kind} `)).length;
  const toolCalls = TURNS.flat().length;
  console.log(`\n  The agent says: ${JSON.stringify(result.body)}`);
  console.log(
    `  Model calls: ${count("model")} of ${TURNS.length}. Effects of tools: ${count("tool")} of ${toolCalls}.`,
  );
  const wanted = [result.status === 200, count("model") === TURNS.length, count("tool") === toolCalls];
  wanted.push(new Set(seen.map(({ step }) => step)).size === seen.length);
  wanted.push(durable.size >= KILL_AFTER - 1, completedSteps(journal).size === TURNS.length + toolCalls);
  const ok = wanted.every(Boolean);
  console.log(ok ? `\n  Each exactly once. ${seconds(started)} in all.` : "\n  That is not what should have happened.");
  return ok;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
