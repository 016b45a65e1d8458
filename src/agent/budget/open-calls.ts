/**
 * The tool calls of a run's last model step that may call agents elsewhere, and have not ended: what is left of a budget is
 * shared among them. From the journal alone, so a replay shares alike (G2).
 */
export class OpenCalls {
  readonly #open = new Set<string>();
  readonly #served = new Set<string>();

  /** A model step asks for `calls`. */
  begin(calls: readonly string[]): void {
    this.#open.clear();
    this.#served.clear();
    for (const call of calls) this.#open.add(call);
  }

  end(call: string): void {
    this.#open.delete(call);
  }

  /** How many there are, at least one. */
  get count(): number {
    return Math.max(1, this.#open.size);
  }

  /**
   * The part of what is left for an agent that is called in `call`: what the others would have, too.
   *
   * @param isOnly False: the same call may call others. Then it is half of that.
   */
  share(call: string, isOnly: boolean): number {
    this.#served.add(call);
    const others = [...this.#open].filter((other) => !this.#served.has(other)).length;
    return 1 / (others + 1) / (isOnly ? 1 : 2);
  }
}
