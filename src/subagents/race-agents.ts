/**
 * Several agents at the same task: the first answer wins, and the others are cancelled.
 *
 * - R1 Who wins is decided by the journal, so a replay has the same winner (G2).
 * - R2 Nobody is left behind. The others are interrupted where they wait: agents in this journal end, and what was called
 *   over Restate is cancelled (call-agent.ts, K2). The winner is told when they have ended.
 * - R3 A failure is no answer: the race goes on. A transient one ends the attempt, as everywhere (G6).
 * - R4 A cancellation of all is nobody's failure (G5), also when there is a winner already.
 * - R5 Durable before it is told. While steps run ahead, a winner is known before its result is acknowledged, in the order in
 *   which results are proposed (run-ahead.ts, W2): so the others end at once. The race gates before it returns (G4).
 * - R6 Only the winner's effects stay. What the others have done that can be undone is undone, when they fail, are interrupted
 *   or answer too late.
 */
import { DefinitionError } from "../errors/definition-error.ts";
import { RaceFailedError } from "../errors/race-failed-error.ts";
import { readMessage } from "../errors/read-error.ts";
import { inFiber, type Place, requirePlace, runAt } from "../journal/ambient.ts";
import { nextRunName } from "../journal/context.ts";
import { atBoundary } from "../journal/handlers.ts";
import { CancelledError, TerminalError } from "../restate.ts";
import { RollbackScope } from "../tools/rollback/rollback-scope.ts";

/** Those that race, by name: each starts its agent, with `generate()`, `callAgent()` or several steps. */
export type Contestants<ANSWER> = Readonly<Record<string, () => PromiseLike<ANSWER>>>;

/** How a race has ended. */
export interface RaceResult<ANSWER> {
  /** The name of the one that has answered first. */
  readonly winner: string;
  readonly answer: ANSWER;
}

/**
 * Runs `contestants` at the same time, in a handler or a context tool, and gives the first answer. The others are cancelled,
 * wherever they run, and what they did is undone where it can be (`onRollback`); what they have used until then is counted as
 * far as this journal has it.
 *
 * On Workers Restate hears of a result when the request ends, and that waits for the model calls that are under way in it.
 * So where something is called over Restate, the race is decided when those calls have ended: let agents of one invocation
 * race with each other, or services with services.
 *
 * @throws RaceFailedError when all of them have failed; CancelledError when the caller was cancelled.
 *
 * @example
 * ```ts
 * const { winner, answer } = await raceAgents({
 *   quick: async () => (await quickAgent.generate({ prompt })).text,
 *   thorough: () => callAgent(thoroughService, prompt),
 * });
 * ```
 */
export async function raceAgents<ANSWER>(contestants: Contestants<ANSWER>): Promise<RaceResult<ANSWER>> {
  const names = Object.keys(contestants);
  if (names.length === 0) throw new DefinitionError("Cannot race agents: there are none");
  return inFiber(requirePlace("raceAgents()"), (place) => new Race(contestants, place).run());
}

interface Lane<ANSWER> {
  readonly name: string;
  readonly run: () => PromiseLike<ANSWER>;
  readonly place: Place;
}

class Race<ANSWER> {
  readonly #place: Place;
  readonly #lanes: readonly Lane<ANSWER>[];
  /** Prefix of the steps of what lanes have registered with `onRollback()`. */
  readonly #scope: string;
  readonly #failures = new Map<string, TerminalError>();
  #result: RaceResult<ANSWER> | undefined;

  constructor(contestants: Contestants<ANSWER>, place: Place) {
    const { scheduler } = place.invocation;
    this.#place = place;
    this.#scope = RollbackScope.of(place.fiber)?.name ?? nextRunName("race");
    this.#lanes = Object.entries(contestants).map(([name, run]) => {
      const fiber = scheduler.fork(place.fiber);
      fiber.isRacing = true;
      return { name, run, place: { ...place, fiber } };
    });
  }

  async run(): Promise<RaceResult<ANSWER>> {
    const { invocation, fiber } = this.#place;
    let interruption: { readonly reason: unknown } | undefined;
    const release = fiber.onInterrupt((reason) => (interruption ??= { reason }));
    try {
      await Promise.all(this.#lanes.map((lane) => this.#go(lane)));
      await invocation.scheduler.gate(fiber); // R5
    } finally {
      release();
    }
    if (interruption !== undefined) throw interruption.reason; // R4
    if (this.#result !== undefined) return this.#result;
    const failures = [...this.#failures.values()];
    const messages = [...this.#failures].map(([name, failure]) => [name, readMessage(failure)] as const);
    throw new RaceFailedError(Object.fromEntries(messages), failures.at(-1));
  }

  async #go({ name, run, place }: Lane<ANSWER>): Promise<void> {
    try {
      await runAt(place, () =>
        RollbackScope.enter(place, { name: this.#scope }).run(async () => {
          const answer = await run();
          if (this.#result !== undefined) throw new CancelledError(); // R6
          this.#win({ winner: name, answer });
        }),
      );
    } catch (error) {
      const failure = atBoundary(error);
      if (!(failure instanceof TerminalError)) throw error; // R3
      this.#failures.set(name, failure);
    } finally {
      place.invocation.scheduler.end(place.fiber);
    }
  }

  #win(result: RaceResult<ANSWER>): void {
    this.#result = result;
    for (const { name, place } of this.#lanes) {
      if (name !== result.winner) this.#place.invocation.scheduler.interrupt(place.fiber, new CancelledError());
    }
  }
}
