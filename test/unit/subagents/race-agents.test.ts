/** Agents that race, on the in-memory fake. */
import { describe, expect, test } from "vitest";
import {
  agentService,
  callAgent,
  CancelledError,
  DefinitionError,
  RaceFailedError,
  raceAgents,
  RestateAgent,
  restateContext,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { type FakeOptions, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const MODES = ["bidirectional", "request-response"] as const;
const fake = <T>(body: () => Promise<T>, options: FakeOptions = {}): Promise<FakeResult<T>> =>
  runFake((context) => withRestateContext(context, body), options);

const quick = () => new RestateAgent({ id: "quick", model: scriptedModel([{ text: "quick answer" }]) });
const hanging = () => new RestateAgent({ id: "hanging", model: scriptedModel([{ hang: true }]) });
const remote = agentService("Remote", quick());
const textOf = async (agent: RestateAgent) => (await agent.generate({ prompt: "go" })).text;

describe.each(MODES)("raceAgents(), %s", (mode) => {
  test.each([
    ["here", () => textOf(hanging()), "run hanging model 1", [], 1],
    ["elsewhere", () => callAgent(remote, "go"), "call Remote/run", ["cancel inv_Remote/run"], 0],
  ] as const)("gives the first answer, and ends the others: %s", async (_, loser, begun, ended, aborted) => {
    const race = () => raceAgents({ loser, quick: () => textOf(quick()) });
    const options = { mode, calls: () => FAKE_PENDING };
    const { outcome, journal } = await fake(race, options);
    expect(outcome).toEqual({ ok: true, value: { winner: "quick", answer: "quick answer" } });
    expect([...journal.commands].sort()).toEqual([begun, "run quick model 1", ...ended].sort());
    const failed = journal.completions.filter((completion) => completion.outcome.ok === false);
    expect(failed.length).toBeLessThanOrEqual(aborted);
    for (let length = 1; length <= journal.events.length; length++) {
      const again = await fake(race, { ...options, journal: journal.prefix(length) });
      expect(again.outcome).toEqual(outcome);
      expect(again.journal.commands).toEqual(journal.commands);
    }
  });

  test("what a plain request does after it comes when the winner is durable", async () => {
    const seen: number[] = [];
    const race = async () => {
      const { answer } = await raceAgents({ one: () => textOf(quick()), two: () => textOf(quick()) });
      seen.push(journalNow.events.filter(({ type }) => type === "completion").length);
      return answer;
    };
    let journalNow = (await fake(async () => 0)).journal;
    const { outcome } = await fake(race, {
      mode,
      onAttempt: (journal) => (journalNow = journal.prefix(journal.events.length)),
    });
    expect(outcome).toEqual({ ok: true, value: "quick answer" });
    if (mode === "request-response") expect(seen.at(-1)).toBeGreaterThanOrEqual(1);
  });

  test("has the same winner on every replay, whoever it was", async () => {
    const winners = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const race = () =>
        raceAgents({ a: () => textOf(quick()), b: () => callAgent(remote, "go"), c: () => textOf(quick()) });
      const options = { mode, seed, calls: () => "remote answer" };
      const whole = await fake(race, options);
      if (!whole.outcome.ok) throw whole.outcome.error;
      winners.add(whole.outcome.value.winner);
      for (let crashAt = 1; crashAt <= whole.journal.events.length; crashAt++) {
        const { journal, outcome } = await fake(race, { ...options, crashAt: [crashAt] });
        expect(outcome.ok).toBe(true);
        expect((await fake(race, { ...options, seed: seed + 100, journal })).outcome).toEqual(outcome);
      }
    }
    expect(winners.size).toBeGreaterThan(1);
  });

  test("a failure is no answer; when all fail, it says why each did", async () => {
    const broken = (why: string) => async (): Promise<string> => {
      await restateContext().run(why, () => {});
      throw new TerminalError(why);
    };
    const won = await fake(() => raceAgents({ broken: broken("no credit"), quick: () => textOf(quick()) }), { mode });
    expect(won.outcome).toMatchObject({ ok: true, value: { winner: "quick" } });
    const lost = await fake(() => raceAgents({ one: broken("no credit"), two: broken("no luck") }), { mode });
    if (lost.outcome.ok) throw new Error("nobody can win");
    expect(RaceFailedError.isInstance(lost.outcome.error)).toBe(true);
    expect(lost.outcome.error).toMatchObject({ failures: { one: "no credit", two: "no luck" } });
    expect((lost.outcome.error as Error).message).toMatch(
      /^None of 2 agents has answered: (one: no credit|two: no luck); /,
    );
  });

  test("a failure that may pass is nobody's defeat: the attempt ends, and the race goes on in the next", async () => {
    let tries = 0;
    const flaky = async (): Promise<string> => {
      tries += 1;
      if (tries < 3) throw new Error("network");
      return textOf(quick());
    };
    const { outcome } = await fake(() => raceAgents({ flaky, hanging: () => callAgent(remote, "go") }), {
      mode,
      calls: () => FAKE_PENDING,
    });
    expect(outcome).toMatchObject({ ok: true, value: { winner: "flaky" } });
    expect(tries).toBeGreaterThanOrEqual(3);
  });

  test("ends when its caller is cancelled", async () => {
    const race = () => raceAgents({ remote: () => callAgent(remote, "go"), other: () => callAgent(remote, "go") });
    const { outcome, journal } = await fake(race, { mode, calls: () => FAKE_PENDING, cancelAt: 2 });
    if (outcome.ok) throw new Error("it was cancelled");
    expect(outcome.error).toBeInstanceOf(CancelledError);
    expect(journal.commands.filter((command) => command.startsWith("cancel"))).toHaveLength(2);
  });
});

test("a race of nobody is refused", async () => {
  const { outcome } = await fake(() => raceAgents({}));
  if (outcome.ok) throw new Error("nobody raced");
  expect(DefinitionError.isInstance(outcome.error)).toBe(true);
});
