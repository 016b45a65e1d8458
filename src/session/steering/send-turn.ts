import { jsonSerde } from "../json-serde.ts";
import { type Context } from "../../restate.ts";
import type { UserMessage } from "../session-input.ts";

type Sender = Pick<Context, "genericSend">;

/**
 * Sends a message as a turn of its own. It may be done again: the turn happens once.
 *
 * @param turn The turn's id. Default: the message's.
 * @returns the invocation.
 */
export function sendTurn(
  context: Sender & { readonly key: string },
  service: string,
  message: UserMessage,
  turn: string = message.id,
): ReturnType<Sender["genericSend"]> {
  return context.genericSend({
    service,
    method: "send",
    key: context.key,
    parameter: { turn, message },
    inputSerde: jsonSerde,
    idempotencyKey: turn,
  });
}
