/** What the routes of the agents API have in common. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { API_KEY_SCHEME } from "../openapi.ts";
import { json, problems } from "../router.ts";
import { restateAddress, settingsOf } from "../settings.ts";
import { pendingSchema } from "./answers.ts";
import type { FlowControlOf } from "./flow-control.ts";
import type { Targets } from "./targets.ts";

/** How the routes behave. */
export interface AgentsContext {
  readonly targets: Targets;
  /** True when `auth` stands in for the API keys. */
  readonly hasAuth: boolean;
  /** How long a call waits unless the caller says otherwise, in milliseconds. */
  readonly waitMs: number;
  /** Longest wait that a caller may ask for, in milliseconds. */
  readonly maxWaitMs: number;
  readonly flowControl: FlowControlOf | undefined;
}

/** The ingress that this request's settings name. */
export function ingressClient(context: Context): IngressClient {
  return new IngressClient(restateAddress(settingsOf(context), "ingress"));
}

/** Every operation asks for an API key. */
export const AGENTS_ABOUT: { tags: string[]; security: Record<string, string[]>[] } = {
  tags: ["agents"],
  security: [{ [API_KEY_SCHEME]: [] }],
};

const idHeader = { "x-restate-id": { description: "Id of the invocation", schema: { type: "string" as const } } };

/** A response that may have any content, and so is made without `context.json()`. */
interface AnyResponse {
  description: string;
  headers: typeof idHeader;
  content?: Record<string, { schema: z.ZodType }>;
}

/** 200: what the handler returned. */
export const resultResponse: AnyResponse = {
  description:
    "What the handler returned; no body when it returned nothing. Its own content type when it is a harmless one",
  headers: idHeader,
  content: { "application/json": { schema: z.unknown() } },
};

/** 202: it goes on. */
export const pendingResponse: AnyResponse = {
  headers: idHeader,
  ...json(pendingSchema, "The invocation goes on; `location` is where its result will be"),
};

/** What every operation may answer with: bad request, no key, unknown, too often, Restate's trouble. */
export const AGENTS_PROBLEMS: ReturnType<typeof problems<400 | 401 | 404 | 429 | 500 | 502 | 503>> = problems(
  400,
  401,
  404,
  429,
  500,
  502,
  503,
);
