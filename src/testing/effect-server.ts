import { setTimeout as delay } from "node:timers/promises";
import { listen, readJson } from "./http-server.ts";

/** One effect that somebody asked for. */
export interface Effect {
  readonly name: string;
  readonly key: string;
  readonly startedAt: number;
  /** Undefined until it was answered. */
  finishedAt: number | undefined;
}

/** Options of `startEffectServer`. */
export interface EffectServerOptions {
  /** How long an effect takes, in milliseconds. Default 0. */
  readonly delayMs?: number | ((effect: Effect) => number);
  /** True: an effect whose client went away before it was made is not made, as in a transaction. Default false. */
  readonly transactional?: boolean;
  /** Called when an effect has been made, before it is answered. */
  readonly onEffect?: (effect: Effect) => void;
}

/** A server that makes effects which can be counted from outside: `POST /effect/<name>` with `{ "key": … }`. */
export interface EffectServer {
  readonly url: string;
  readonly effects: readonly Effect[];
  /** Most effects that were in progress at the same time. */
  readonly highWater: number;
  count(name: string, key?: string): number;
  /** `<name> <key>` → how often. */
  counts(): Map<string, number>;
  reset(): void;
  close(): Promise<void>;
}

/** Starts the server on a free loopback port. */
export async function startEffectServer(options: EffectServerOptions = {}): Promise<EffectServer> {
  const effects: Effect[] = [];
  let running = 0;
  let highWater = 0;
  const server = await listen(async (request, response) => {
    const name = decodeURIComponent((request.url ?? "").replace("/effect/", ""));
    const body = (await readJson(request)) as { readonly key?: string } | undefined;
    const effect: Effect = { name, key: body?.key ?? "", startedAt: performance.now(), finishedAt: undefined };
    effects.push(effect);
    running += 1;
    highWater = Math.max(highWater, running);
    const { delayMs = 0 } = options;
    await delay(typeof delayMs === "number" ? delayMs : delayMs(effect));
    running -= 1;
    if (options.transactional === true && response.destroyed) {
      effects.splice(effects.indexOf(effect), 1);
      return;
    }
    effect.finishedAt = performance.now();
    options.onEffect?.(effect);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name, key: effect.key }));
  });
  const counts = (): Map<string, number> => {
    const result = new Map<string, number>();
    for (const { name, key } of effects) result.set(`${name} ${key}`, (result.get(`${name} ${key}`) ?? 0) + 1);
    return result;
  };
  return {
    url: server.url,
    effects,
    get highWater() {
      return highWater;
    },
    count: (name, key) => effects.filter((one) => one.name === name && (key === undefined || one.key === key)).length,
    counts,
    reset: () => {
      effects.length = 0;
      highWater = 0;
    },
    close: () => server.close(),
  };
}
