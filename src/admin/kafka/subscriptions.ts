import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import { textsSchema } from "../info.ts";
import { ask, command, type Command, type Operation } from "../operation.ts";

/** Each record of a Kafka topic invokes a handler. */
export interface Subscription {
  /** `sub_…` */
  readonly id: string;
  /** `kafka://<cluster>/<topic>` */
  readonly source: string;
  /** `service://<service>/<handler>` */
  readonly sink: string;
  /** Options of the Kafka consumer. */
  readonly options: Readonly<Record<string, string>>;
}

/** Reads `Subscription`. */
export const subscriptionSchema: z.ZodType<Subscription> = z.object({
  id: z.string(),
  source: z.string(),
  sink: z.string(),
  options: textsSchema,
});

/** What a subscription is made of. */
export interface NewSubscription {
  readonly source: string;
  readonly sink: string;
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** Reads `NewSubscription`. */
export const newSubscriptionSchema: z.ZodType<NewSubscription> = z.strictObject({
  source: z
    .string()
    .regex(/^kafka:\/\/[A-Za-z0-9.-]{1,253}\/[A-Za-z0-9._-]{1,249}$/, "must be kafka://<cluster>/<topic>"),
  sink: z.string().regex(/^service:\/\/[\w.-]{1,255}\/\w{1,255}$/, "must be service://<service>/<handler>"),
  options: textsSchema.optional(),
});

/** Which subscriptions are listed: those with this source, this sink. */
export type SubscriptionFilter = Readonly<Partial<Record<"source" | "sink", string | undefined>>>;

/** What `subscriptions` of the client calls. */
export const SUBSCRIPTION_OPERATIONS: {
  readonly list: Operation<{ readonly subscriptions: readonly Subscription[] }, never, "source" | "sink">;
  readonly create: Operation<Subscription, NewSubscription>;
  readonly get: Operation<Subscription>;
  readonly remove: Command;
} = {
  list: {
    method: "GET",
    path: "/subscriptions",
    query: ["source", "sink"],
    answer: z.object({ subscriptions: subscriptionSchema.array() }),
  },
  create: { method: "POST", path: "/subscriptions", body: newSubscriptionSchema, answer: subscriptionSchema },
  get: { method: "GET", path: "/subscriptions/{subscription}", answer: subscriptionSchema },
  remove: { method: "DELETE", path: "/subscriptions/{subscription}" },
};

/** Subscriptions of handlers to Kafka topics. */
export class Subscriptions {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  async list(filter: SubscriptionFilter = {}): Promise<readonly Subscription[]> {
    const { subscriptions } = await ask(this.#http, SUBSCRIPTION_OPERATIONS.list, { query: filter });
    return subscriptions;
  }

  create(subscription: NewSubscription): Promise<Subscription> {
    return ask(this.#http, SUBSCRIPTION_OPERATIONS.create, { body: subscription });
  }

  get(id: string): Promise<Subscription> {
    return ask(this.#http, SUBSCRIPTION_OPERATIONS.get, { params: [id] });
  }

  remove(id: string): Promise<void> {
    return command(this.#http, SUBSCRIPTION_OPERATIONS.remove, { params: [id] });
  }
}
