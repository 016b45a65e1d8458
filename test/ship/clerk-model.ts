/** The scripted model of the clerks. Which version asks is told by the tools that it offers. */
import {
  answeredToolCalls,
  type RecordedRequest,
  type Script,
  type ScriptedReply,
} from "../../src/testing/scripted-openai.ts";
import type { Order } from "../fixtures/shipped/clerk.ts";

/** A model that lets some runs wait for its answer. */
export interface ClerkModel {
  readonly script: Script;
  /** Names of the runs that wait. */
  readonly held: ReadonlyMap<string, unknown>;
  /** Answers the run, if it waits. */
  release(run: string): void;
}

export function clerkModel(): ClerkModel {
  const held = new Map<string, PromiseWithResolvers<void>>();
  const script: Script = async (request) => {
    const order = orderIn(request);
    if (order === undefined) return { error: { status: 400, message: "The script knows no such prompt" } };
    const reply = replyTo(order, request);
    // In the middle of the run: its first tool has answered.
    if (order.kind === "model" && answeredToolCalls(request) === 1) {
      const gate = held.get(order.run) ?? Promise.withResolvers<void>();
      held.set(order.run, gate);
      await gate.promise;
    }
    return reply;
  };
  return { script, held, release: (run) => held.get(run)?.resolve() };
}

function replyTo(order: Order, request: RecordedRequest): ScriptedReply {
  const waits = order.kind === "asleep" || order.kind === "approval";
  const [first, last] = toolsOf(request).includes("lookUp") ? ["lookUp", "file"] : ["assess", "archive"];
  const name = [first, ...(waits ? ["pause"] : []), last][answeredToolCalls(request)];
  if (name === undefined) return { text: `${order.run} is handled` };
  return { toolCalls: [{ id: `call_${order.run}_${name}`, name, input: order }] };
}

function orderIn({ body }: RecordedRequest): Order | undefined {
  const text = JSON.stringify(body["input"]).replaceAll('\\"', '"');
  const [, order] = /Please handle (\{.*?\})\./.exec(text) ?? [];
  return order === undefined ? undefined : (JSON.parse(order) as Order);
}

function toolsOf({ body }: RecordedRequest): string[] {
  return (body["tools"] as { readonly name: string }[]).map(({ name }) => name);
}
