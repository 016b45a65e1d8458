import { createEndpointHandler } from "@restatedev/restate-sdk-cloudflare-workers/fetch";
import { agentService } from "./service.ts";

const handler = createEndpointHandler({ services: [agentService] });

export default {
  fetch: (request: Request): Promise<Response> =>
    new URL(request.url).pathname === "/health" ? Promise.resolve(new Response("ok")) : handler(request),
};
