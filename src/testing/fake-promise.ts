/**
 * The promises of the fake: as the Restate SDK's, lazy, mapped and timed out without an await of their own, and only
 * one may be awaited at a time.
 */
import { type Duration, RestateError, type TerminalError, TimeoutError } from "../restate.ts";
import type { Completion, Driver, Entry } from "../journal/driver.ts";

type Settled = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** What a promise needs from its attempt. */
export interface FakePromiseHost extends Driver {
  /** Adds a timer to the journal. */
  sleep(duration: number | Duration): FakeEntry;
  /** Ends the attempt: the handler threw where the SDK takes no failure. */
  fail(error: unknown): void;
}

/** A promise of the fake. */
export abstract class FakePromise {
  readonly [Symbol.toStringTag] = "FakePromise";
  protected readonly host: FakePromiseHost;
  #polling: Promise<unknown> | undefined;

  constructor(host: FakePromiseHost) {
    this.host = host;
  }

  /** The entries of the journal that it depends on and that have not completed. */
  abstract pending(): FakeEntry[];
  /** Its result, as soon as the entries suffice for one. */
  abstract settled(): Settled | undefined;

  // oxlint-disable-next-line unicorn/no-thenable -- it stands for the SDK's thenable
  then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#polling ??= this.#poll();
    return this.#polling.then<A, B>(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<unknown> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this.then().finally(onFinally);
  }

  map(mapper: (value?: unknown, failure?: TerminalError) => unknown): FakePromise {
    return new MappedPromise(this.host, this, mapper);
  }

  orTimeout(duration: number | Duration): FakePromise {
    return new TimedPromise(this.host, this, this.host.sleep(duration));
  }

  async #poll(): Promise<unknown> {
    for (;;) {
      const settled = this.settled();
      if (settled?.ok === true) return settled.value;
      if (settled?.ok === false) throw settled.error;
      const entries = this.pending();
      const completion = await this.host.next(entries as unknown as Entry[]);
      entries[completion.index]?.complete(completion);
    }
  }
}

/** One entry of the journal. */
export class FakeEntry extends FakePromise {
  readonly handle: number;
  #completion: Completion | undefined;

  constructor(host: FakePromiseHost, handle: number) {
    super(host);
    this.handle = handle;
  }

  complete(completion: Completion): void {
    this.#completion = completion;
  }

  override pending(): FakeEntry[] {
    return this.#completion === undefined ? [this] : [];
  }

  override settled(): Settled | undefined {
    return this.#completion;
  }
}

class MappedPromise extends FakePromise {
  readonly #source: FakePromise;
  readonly #mapper: (value?: unknown, failure?: TerminalError) => unknown;
  #settled: Settled | undefined;

  constructor(
    host: FakePromiseHost,
    source: FakePromise,
    mapper: (value?: unknown, failure?: TerminalError) => unknown,
  ) {
    super(host);
    this.#source = source;
    this.#mapper = mapper;
  }

  override pending(): FakeEntry[] {
    return this.#source.pending();
  }

  override settled(): Settled | undefined {
    const source = this.#source.settled();
    if (source !== undefined) this.#settled ??= this.#apply(source);
    return this.#settled;
  }

  #apply(source: Settled): Settled {
    try {
      if (source.ok) return { ok: true, value: this.#mapper(source.value, undefined) };
      return { ok: true, value: this.#mapper(undefined, source.error as TerminalError) };
    } catch (error) {
      if (!(error instanceof RestateError)) this.host.fail(error);
      return { ok: false, error };
    }
  }
}

class TimedPromise extends FakePromise {
  readonly #source: FakePromise;
  readonly #timer: FakeEntry;

  constructor(host: FakePromiseHost, source: FakePromise, timer: FakeEntry) {
    super(host);
    this.#source = source;
    this.#timer = timer;
  }

  override pending(): FakeEntry[] {
    return [...this.#source.pending(), ...this.#timer.pending()];
  }

  override settled(): Settled | undefined {
    const timer = this.#timer.settled();
    if (timer?.ok === true) return this.#source.settled() ?? { ok: false, error: new TimeoutError() };
    return this.#source.settled() ?? timer;
  }
}
