/**
 * Telemetry integrations of the AI SDK in runs that are replayed.
 *
 * An integration hears of a run as if it ran in one go in one process: of a start, and later of an end that refers to
 * what it has kept in memory. A durable run takes many requests, each of which begins anew. So:
 *
 * - `onStart` comes in each request: an integration may need what it tells. Its `callId` stays the same.
 * - Other events come once, without those that a replay repeats, when the journal goes on (journal-front.ts): an end
 *   just before the next step begins. Integrations are not waited for.
 * - The start of a step that was tried before, and failed, comes when the step is really executed again.
 * - The start and the end of a step may come in different requests, and so in different processes. That cannot be
 *   helped here: an integration that keeps open spans in memory, as `@ai-sdk/otel` does, makes incomplete trees of runs
 *   that take several requests. `otlpTelemetry` is for those.
 *
 * The AI SDK's diagnostics channel is not filtered: there is no place for that.
 */
import type { Telemetry } from "ai";
import type { Place } from "../journal/ambient.ts";

type Listener = (event: unknown) => unknown;

const EVENT = /^(experimental_)?on[A-Z]/;
/** Events before a model call or a tool. */
const STARTS: ReadonlySet<string> = new Set(["onStepStart", "onLanguageModelCallStart", "onToolExecutionStart"]);
/** In place of the id of a tool call: the step's model call. */
const MODEL = "";

/** What the integrations of a run are told, and when. */
export class LiveEvents {
  readonly #place: Place;
  /** Starts in a replay: each waits for the execution of its step, if it is to come. */
  readonly #held = new Map<string, (() => void)[]>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** The integration as the run's telemetry has it. */
  wrap(integration: Telemetry): Telemetry {
    return new Proxy(integration, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const own = value.bind(target) as Listener;
        if (typeof name === "symbol" || name === "onStart" || !EVENT.test(name)) return own;
        return (event: unknown) => this.#tell(STARTS.has(name), event, () => void quietly(own, event));
      },
    });
  }

  /** A step is executed: the model call, or the tool call `toolCallId`. */
  executing(toolCallId: string = MODEL): void {
    for (const tell of this.#held.get(toolCallId) ?? []) tell();
    this.#held.delete(toolCallId);
  }

  #tell(isStart: boolean, event: unknown, tell: () => void): void {
    const { front } = this.#place.invocation;
    const step = stepOf(event);
    if (!isStart) this.#held.delete(step);
    if (front.isReached) front.whenItGoesOn(tell);
    else if (isStart) this.#held.set(step, [...(this.#held.get(step) ?? []), tell]);
  }
}

function stepOf(event: unknown): string {
  const { toolCall } = event as { readonly toolCall?: { readonly toolCallId?: string } };
  return toolCall?.toolCallId ?? MODEL;
}

/** As the AI SDK ignores what integrations throw. */
async function quietly(listener: Listener, event: unknown): Promise<void> {
  try {
    await listener(event);
  } catch {
    // Nobody to tell.
  }
}
