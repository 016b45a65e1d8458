import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import { ask, type Operation } from "../operation.ts";
import {
  type Handler,
  handlerSchema,
  type Service,
  serviceSchema,
  type ServiceSettings,
  serviceSettingsSchema,
} from "./service-schemas.ts";

/** What `services` of the client calls. */
export const SERVICE_OPERATIONS: {
  readonly list: Operation<{ readonly services: readonly Service[] }>;
  readonly get: Operation<Service>;
  readonly modify: Operation<Service, ServiceSettings>;
  readonly handlers: Operation<{ readonly handlers: readonly Handler[] }>;
  readonly handler: Operation<Handler>;
  readonly openapi: Operation<Readonly<Record<string, unknown>>>;
} = {
  list: { method: "GET", path: "/services", answer: z.object({ services: serviceSchema.array() }) },
  get: { method: "GET", path: "/services/{service}", answer: serviceSchema },
  modify: { method: "PATCH", path: "/services/{service}", body: serviceSettingsSchema, answer: serviceSchema },
  handlers: {
    method: "GET",
    path: "/services/{service}/handlers",
    answer: z.object({ handlers: handlerSchema.array() }),
  },
  handler: { method: "GET", path: "/services/{service}/handlers/{handler}", answer: handlerSchema },
  openapi: {
    method: "GET",
    path: "/services/{service}/openapi",
    answer: z.record(z.string(), z.unknown()),
    verbatim: true,
  },
};

/** Registered services, as their latest deployment describes them. An unknown one is a `RestateRefusedError` (404). */
export class Services {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  async list(): Promise<readonly Service[]> {
    const { services } = await ask(this.#http, SERVICE_OPERATIONS.list);
    return services;
  }

  get(service: string): Promise<Service> {
    return ask(this.#http, SERVICE_OPERATIONS.get, { params: [service] });
  }

  /** Changes settings of a service until its next registration. Absent ones stay as they are. */
  modify(service: string, settings: ServiceSettings): Promise<Service> {
    return ask(this.#http, SERVICE_OPERATIONS.modify, { params: [service], body: settings });
  }

  async handlers(service: string): Promise<readonly Handler[]> {
    const { handlers } = await ask(this.#http, SERVICE_OPERATIONS.handlers, { params: [service] });
    return handlers;
  }

  handler(service: string, handler: string): Promise<Handler> {
    return ask(this.#http, SERVICE_OPERATIONS.handler, { params: [service, handler] });
  }

  /** The OpenAPI document of the service at Restate's ingress. */
  openapi(service: string): Promise<Readonly<Record<string, unknown>>> {
    return ask(this.#http, SERVICE_OPERATIONS.openapi, { params: [service] });
  }
}
