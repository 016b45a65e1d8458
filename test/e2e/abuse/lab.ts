/** The stack of the abuse tests, and what they have in common. */
import { Asker, type Told } from "../fuzz/ask.ts";
import { FuzzStack, SECRETS } from "../fuzz/fuzz-stack.ts";
import { type OpenApiDocument, type Operation, operationsOf } from "../fuzz/operations.ts";
import type { SeenRequest } from "../fuzz/recording-proxy.ts";

export const ADMIN = SECRETS.ADMIN_TOKEN;
export const AGENT = SECRETS.AGENT_API_KEYS;

/** Set by `startLab()`, before the first test. */
export let stack: FuzzStack;
export let app: Asker;
/** What the app's `/openapi.json` describes. */
export let operations: readonly Operation[];

export async function startLab(): Promise<void> {
  stack = await FuzzStack.start();
  app = new Asker(stack.port);
  await stack.seed();
  operations = operationsOf((await app.ask("GET", "/openapi.json")).json as OpenApiDocument);
}

export async function stopLab(): Promise<void> {
  await stack?.stop();
}

/** What reached Restate's ingress while `act` ran. */
export async function seenBy(act: () => Promise<unknown>): Promise<readonly SeenRequest[]> {
  const seen: SeenRequest[] = [];
  stack.ingress.seen = seen;
  try {
    await act();
  } finally {
    stack.ingress.seen = undefined;
  }
  return seen;
}

/** Such as `200` or `404 not-found`. */
export const outcome = ({ status, code }: Told): string => `${status} ${code ?? ""}`.trim();
