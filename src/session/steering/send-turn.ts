import { jsonSerde } from "../json-serde.ts";
import { type Context } from "../../restate.ts";
import type { UserMessage } from "../session-input.ts";

type Sender = Pick<Context, "genericSend">;

/**
 * Sends a message as a turn of its own, whose id is the message's. It may be done again: the turn happens once.
 *
 * @returns the invocation.
 */
export function sendTurn(
  context: Sender & { readonly key: string },
  service: string,
  message: UserMessage,
): ReturnType<Sender["genericSend"]> {
  return context.genericSend({
    service,
    method: "send",
    key: context.key,
    parameter: { turn: message.id, message },
    inputSerde: jsonSerde,
    idempotencyKey: message.id,
  });
}
