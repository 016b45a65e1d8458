import { Awaitable } from "./awaitable.ts";

/**
 * Something that other fibers of the same invocation wait for, and one of them opens: without an entry of the journal, and,
 * unlike a plain promise, without holding the journal up. Whoever makes one must open it, however it ends.
 */
export class Latch extends Awaitable<void> {
  readonly [Symbol.toStringTag] = "RestateLatch";

  protected override start(): void {}
  override collect(): void {}

  /** Lets go of those who wait, in the order in which they came. */
  open(): void {
    this.settle({ ok: true, value: undefined });
  }
}
