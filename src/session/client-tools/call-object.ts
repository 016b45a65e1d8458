/**
 * Calls of tools that the client of a conversation executes, while the running turn waits for their outputs. The turn holds
 * the session's lock, so they are in an object of their own, whose key is the session's.
 *
 * - C1 One output. Handlers are exclusive, and who brings an output removes the call: the first one wins, and the turn is
 *   woken with it.
 * - C2 Only what waits. A call is known by its turn and id, so nothing can be brought for another turn, or for a call that
 *   was never made.
 * - C3 Small. A session has one turn at a time: what another turn has left, because it was killed, is dropped when the next
 *   call is opened. Outputs are not kept here: the turn's journal has them.
 */
import { handlers, object } from "../../journal/handlers.ts";
import type { ObjectContext, VirtualObjectDefinition } from "../../restate.ts";

/** What the client said of a call. */
export type ClientOutput = { readonly output: unknown } | { readonly errorText: string };

/** A call that waits for the client. */
export interface OpenCall {
  readonly turn: string;
  readonly toolCallId: string;
  /** Resolved with a `ClientOutput`. It also tells calls apart to which a provider gave the same id. */
  readonly awakeable: string;
}

/** Outputs for calls of a turn. */
export interface SettleCalls {
  readonly turn: string;
  readonly outputs: readonly (ClientOutput & { readonly toolCallId: string })[];
}

/** The handlers of a call object. Turns and routes call them. */
export interface CallHandlers {
  open: (context: ObjectContext, call: OpenCall) => Promise<void>;
  /** Answers the ids of the calls that waited, and do not any more. */
  settle: (context: ObjectContext, request: SettleCalls) => Promise<string[]>;
  /** The turn does not wait any more. True when nobody had brought an output. */
  close: (context: ObjectContext, call: Pick<OpenCall, "awakeable">) => Promise<boolean>;
  /** The conversation is forgotten. */
  forget: (context: ObjectContext) => Promise<void>;
}

const KEY = "calls";
const { exclusive } = handlers.object;
/** For turns. Routes settle. */
const PRIVATE = { ingressPrivate: true };

/** The object that keeps the calls of one kind of session. */
export function callObject(name: string): VirtualObjectDefinition<string, CallHandlers> {
  return object({
    name,
    handlers: {
      open: exclusive(PRIVATE, open),
      settle,
      close: exclusive(PRIVATE, close),
      forget: exclusive(PRIVATE, forget),
    },
    // Its invocations are short, and nobody asks for them later.
    options: { journalRetention: 0, idempotencyRetention: 0 },
  });
}

async function open(context: ObjectContext, { turn, toolCallId, awakeable }: OpenCall): Promise<void> {
  const calls = (await read(context)).filter((one) => one.turn === turn && one.awakeable !== awakeable);
  write(context, [...calls, { turn, toolCallId, awakeable }]);
}

async function settle(context: ObjectContext, { turn, outputs }: SettleCalls): Promise<string[]> {
  let calls = await read(context);
  const settled: string[] = [];
  for (const { toolCallId, ...output } of outputs) {
    const call = calls.find((one) => one.turn === turn && one.toolCallId === toolCallId);
    if (call === undefined) continue;
    context.resolveAwakeable(call.awakeable, output);
    calls = calls.filter((one) => one !== call);
    settled.push(toolCallId);
  }
  if (settled.length > 0) write(context, calls);
  return settled;
}

async function close(context: ObjectContext, { awakeable }: Pick<OpenCall, "awakeable">): Promise<boolean> {
  const calls = await read(context);
  const rest = calls.filter((one) => one.awakeable !== awakeable);
  if (rest.length === calls.length) return false;
  write(context, rest);
  return true;
}

function forget(context: ObjectContext): Promise<void> {
  context.clear(KEY);
  return Promise.resolve();
}

async function read(context: ObjectContext): Promise<readonly OpenCall[]> {
  return (await context.get<readonly OpenCall[]>(KEY)) ?? [];
}

function write(context: ObjectContext, calls: readonly OpenCall[]): void {
  if (calls.length === 0) context.clear(KEY);
  else context.set(KEY, calls);
}
