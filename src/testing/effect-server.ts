import { setTimeout as delay } from "node:timers/promises";
import { listen, readJson } from "./http-server.ts";
import { waitUntil } from "./wait.ts";

/** One effect that somebody asked for. */
export interface Effect {
  readonly name: string;
  readonly key: string;
  /** When it was asked for, as `performance.now()`. */
  readonly startedAt: number;
  /** When it was made, or refused. Undefined until then. */
  finishedAt: number | undefined;
  /** The HTTP status with which it was refused; undefined when it was made. */
  failedWith: number | undefined;
}

/** Options of `startEffectServer`. */
export interface EffectServerOptions {
  /** How long an effect takes, in milliseconds: all, by name, or each. Default 0. */
  readonly delayMs?: number | Readonly<Record<string, number>> | ((effect: Effect) => number);
  /**
   * Refuses an effect with an HTTP status, after its delay. `n` counts the requests for this name and key, from 0.
   * Default: makes them all.
   */
  readonly fail?: (effect: Effect, n: number) => number | undefined;
  /** True: an effect whose client went away before it was made is not made, as in a transaction. Default false. */
  readonly transactional?: boolean;
  /** Called when an effect has been made, before it is answered. */
  readonly onEffect?: (effect: Effect) => void;
}

/** A server that makes effects which can be counted from outside: `POST /effect/<name>` with `{ "key": … }`. */
export interface EffectServer {
  readonly url: string;
  /** Every effect that was asked for, refused ones included, in order. */
  readonly effects: readonly Effect[];
  /** Most effects that were in progress at the same time. */
  readonly highWater: number;
  /** How often an effect was made, or is being made. Refused ones do not count. */
  count(name: string, key?: string): number;
  /** `<name> <key>` → how often, as `count`. */
  counts(): Map<string, number>;
  /** Waits until the predicate holds. `timeoutMs`: default 30,000. */
  waitFor(predicate: (effects: readonly Effect[]) => boolean, timeoutMs?: number): Promise<void>;
  reset(): void;
  close(): Promise<void>;
}

/** Starts the server on a free loopback port. */
export async function startEffectServer(options: EffectServerOptions = {}): Promise<EffectServer> {
  const effects: Effect[] = [];
  const asked = new Map<string, number>();
  let running = 0;
  let highWater = 0;
  const server = await listen(async (request, response) => {
    const name = decodeURIComponent((request.url ?? "").replace("/effect/", ""));
    const body = (await readJson(request)) as { readonly key?: string } | undefined;
    const key = body?.key ?? "";
    const effect: Effect = { name, key, startedAt: performance.now(), finishedAt: undefined, failedWith: undefined };
    effects.push(effect);
    const n = asked.get(nameAndKey(effect)) ?? 0;
    asked.set(nameAndKey(effect), n + 1);
    running += 1;
    highWater = Math.max(highWater, running);
    await delay(delayOf(effect, options));
    running -= 1;
    if (options.transactional === true && response.destroyed) {
      effects.splice(effects.indexOf(effect), 1);
      return;
    }
    effect.failedWith = options.fail?.(effect, n);
    effect.finishedAt = performance.now();
    if (effect.failedWith === undefined) options.onEffect?.(effect);
    response.writeHead(effect.failedWith ?? 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ name, key, n }));
  });
  const made = (): Effect[] => effects.filter(({ failedWith }) => failedWith === undefined);
  return {
    url: server.url,
    effects,
    get highWater() {
      return highWater;
    },
    count: (name, key) => made().filter((one) => one.name === name && (key === undefined || one.key === key)).length,
    counts: () => countBy(made()),
    waitFor: (predicate, timeoutMs = 30_000) =>
      waitUntil("Waited for effects", () => predicate(effects), { timeoutMs, everyMs: 2 }),
    reset: () => {
      effects.length = 0;
      asked.clear();
      highWater = 0;
    },
    close: () => server.close(),
  };
}

function nameAndKey({ name, key }: Effect): string {
  return `${name} ${key}`;
}

function countBy(effects: readonly Effect[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const effect of effects) counts.set(nameAndKey(effect), (counts.get(nameAndKey(effect)) ?? 0) + 1);
  return counts;
}

function delayOf(effect: Effect, { delayMs = 0 }: EffectServerOptions): number {
  if (typeof delayMs === "number") return delayMs;
  return typeof delayMs === "function" ? delayMs(effect) : (delayMs[effect.name] ?? 0);
}
