/** How handlers of a session reach its inbox. */
import type { ObjectSharedContext } from "../../restate.ts";
import { jsonSerde } from "../json-serde.ts";
import type { InboxHandlers } from "./inbox-object.ts";

type Method = keyof InboxHandlers;

export function callInbox(
  service: string,
  context: ObjectSharedContext,
  method: Method,
  parameter: unknown,
): Promise<unknown> {
  const { key } = context;
  const serdes = { inputSerde: jsonSerde, outputSerde: jsonSerde };
  return context.genericCall<unknown, unknown>({ service, key, method, parameter, ...serdes });
}

/** Does not wait for it. */
export function tellInbox(service: string, context: ObjectSharedContext, method: Method, parameter: unknown): void {
  context.genericSend({ service, key: context.key, method, parameter, inputSerde: jsonSerde });
}
