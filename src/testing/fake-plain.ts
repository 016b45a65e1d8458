/** The parts of the fake's context that never touch the journal. */

/** The same numbers in every attempt, as the SDK's `ctx.rand`. */
export function fakeRandom(seed: number): { random(): number; uuidv4(): string } {
  const random = fakeNumbers(seed);
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  return { random, uuidv4: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}` };
}

/** Numbers between 0 and 1 that follow from the seed. */
export function fakeNumbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Log = (...parts: unknown[]) => void;

/** A console that keeps what is written to it. */
export function fakeConsole(lines: string[]): Record<"debug" | "error" | "info" | "log" | "trace" | "warn", Log> {
  const write =
    (level: string): Log =>
    (...parts) =>
      void lines.push([level, ...parts.map(String)].join(" "));
  return {
    debug: write("debug"),
    error: write("error"),
    info: write("info"),
    log: write("log"),
    trace: write("trace"),
    warn: write("warn"),
  };
}
