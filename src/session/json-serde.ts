import { type Serde, serde } from "../restate.ts";

/** JSON, as the ingress takes and gives it. The SDK's own is typed in a way that generic calls do not take. */
export const jsonSerde: Serde<unknown> = serde.json as Serde<unknown>;
