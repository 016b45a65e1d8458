/**
 * Where an attempt has got to in its journal. What happens between steps happens again in every replay; whoever wants
 * to tell others of it once has to know when it is new.
 *
 * It is new when the attempt has issued every command that the journal has. And it stays so in later attempts until the
 * journal has one command more: so it is told only when the journal goes on, with the next command or with the end of
 * the handler. From then on a replay sees that there is more. An attempt that dies in between tells it again.
 */
export class JournalFront {
  readonly #isReached: () => boolean;
  readonly #waiting: (() => void)[] = [];

  /** @param isReached True when the attempt has issued every command of the journal. */
  constructor(isReached: () => boolean) {
    this.#isReached = isReached;
  }

  /** False while the attempt repeats what an earlier one did. */
  get isReached(): boolean {
    return this.#isReached();
  }

  /** Calls `tell` when the journal goes on; never, if this is a replay. It must not throw. */
  whenItGoesOn(tell: () => void): void {
    if (this.#isReached()) this.#waiting.push(tell);
  }

  /** Called before each command, and at the end of the handler. */
  goOn(): void {
    if (this.#waiting.length === 0) return;
    for (const tell of this.#waiting.splice(0)) tell();
  }
}
