/** The journal of a fake invocation: what a restate-server would keep of it. */
import type { TerminalError } from "../restate.ts";

/** One entry of the journal, in the order in which it was written. */
export type FakeEvent =
  | { readonly type: "command"; readonly kind: string; readonly name: string; readonly dueMs?: number }
  | { readonly type: "completion"; readonly command: number; readonly outcome: FakeOutcome };

/** How a command completed. Values are kept as the bytes that their serde made. */
export type FakeOutcome =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly error: TerminalError }
  | { readonly ok: "cancelled" };

/** The code took another path than the journal: what Restate calls a journal mismatch. */
export class FakeJournalMismatch extends Error {
  override name = "FakeJournalMismatch";
}

/** The command number of a cancellation: it belongs to no command. */
export const CANCELLATION = -1;

type Command = Extract<FakeEvent, { type: "command" }>;
type CompletionEvent = Extract<FakeEvent, { type: "completion" }>;

/** Commands and completions of one invocation. */
export class FakeJournal {
  readonly events: FakeEvent[] = [];
  readonly #commands: Command[] = [];
  readonly #completions: CompletionEvent[] = [];
  readonly #completed = new Set<number>();
  #nowMs = 0;

  constructor(events: readonly FakeEvent[] = []) {
    for (const event of events) this.append(event);
  }

  append(event: FakeEvent): void {
    this.events.push(event);
    if (event.type === "command") this.#commands.push(event);
    else {
      this.#completions.push(event);
      this.#completed.add(event.command);
      this.#nowMs = Math.max(this.#nowMs, this.#commands[event.command]?.dueMs ?? 0);
    }
  }

  /** The commands in order, as `<kind> <name>`: pin them in tests. */
  get commands(): readonly string[] {
    return this.#commands.map(text);
  }

  get completions(): readonly CompletionEvent[] {
    return this.#completions;
  }

  /** The invocation's own clock, in milliseconds: it moves only when timers fire. */
  get nowMs(): number {
    return this.#nowMs;
  }

  isCompleted(command: number): boolean {
    return this.#completed.has(command);
  }

  /** The first `length` events, as if the process had died then. */
  prefix(length: number): FakeJournal {
    return new FakeJournal(this.events.slice(0, length));
  }

  /**
   * The `index`-th command of an attempt: must be the one that the journal has, or is added to it. Timers get the
   * moment at which they fire.
   *
   * @throws FakeJournalMismatch when the journal has another one.
   */
  command(index: number, kind: string, name: string, delayMs?: number): Command {
    const recorded = this.#commands[index];
    const due = delayMs === undefined ? {} : { dueMs: this.#nowMs + delayMs };
    const command: Command = { type: "command", kind, name, ...due };
    if (recorded === undefined) this.append(command);
    else if (text(recorded) !== text(command)) {
      throw new FakeJournalMismatch(`Command ${index} is "${text(command)}", but the journal has "${text(recorded)}"`);
    }
    return recorded ?? command;
  }

  /**
   * Called when an attempt that has issued `issued` commands waits for something that the journal does not have. The
   * code that wrote the journal did not wait there, if it went on to further commands.
   *
   * @throws FakeJournalMismatch when the journal has further commands.
   */
  mayWait(issued: number, awaited: readonly number[]): void {
    const next = this.#commands[issued];
    if (next === undefined) return;
    const what = awaited.map((index) => this.#commands[index]).map((command) => (command ? `"${text(command)}"` : "?"));
    throw new FakeJournalMismatch(
      `The code waits for ${what.join(", ")}, but the journal goes on with "${text(next)}" before any of them completed`,
    );
  }
}

function text({ kind, name }: Command): string {
  return `${kind} ${name}`.trim();
}
