/** The journal of a fake invocation: what a restate-server would keep of it. */
import type { TerminalError } from "../restate.ts";

/** One entry of the journal, in the order in which it was written. */
export type FakeEvent =
  | { readonly type: "command"; readonly kind: string; readonly name: string }
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

/** Commands and completions of one invocation. */
export class FakeJournal {
  readonly events: FakeEvent[];
  readonly #commands: string[] = [];

  constructor(events: readonly FakeEvent[] = []) {
    this.events = [];
    for (const event of events) this.append(event);
  }

  append(event: FakeEvent): void {
    this.events.push(event);
    if (event.type === "command") this.#commands.push(`${event.kind} ${event.name}`.trim());
  }

  /** The commands in order, as `<kind> <name>`: pin them in tests. */
  get commands(): readonly string[] {
    return this.#commands;
  }

  get completions(): readonly Extract<FakeEvent, { type: "completion" }>[] {
    return this.events.filter((event) => event.type === "completion");
  }

  /** The first `length` events, as if the process had died then. */
  prefix(length: number): FakeJournal {
    return new FakeJournal(this.events.slice(0, length));
  }

  /**
   * The `index`-th command of an attempt: must be the one that the journal has, or is added to it.
   *
   * @throws FakeJournalMismatch when the journal has another one.
   */
  command(index: number, kind: string, name: string): void {
    const recorded = this.#commands[index];
    const command = `${kind} ${name}`.trim();
    if (recorded === undefined) this.append({ type: "command", kind, name });
    else if (recorded !== command) {
      throw new FakeJournalMismatch(`Command ${index} is "${command}", but the journal has "${recorded}"`);
    }
  }
}
