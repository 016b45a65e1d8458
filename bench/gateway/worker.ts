/** The HTTP face and the agents behind it in one Worker, as a user deploys them. */
import { handlers, service } from "../../src/index.ts";
import { createEdgeApp } from "../../routes/index.ts";
import { services as agents } from "../ours/agents.ts";

/** A handler that does nothing: what the gateway adds is the largest part there. */
const echo = service({
  name: "Echo",
  handlers: { say: handlers.handler({}, async (_context, text: string) => Promise.resolve(text)) },
});

const services = [echo, ...agents];

export default createEdgeApp({ services, publicServices: services, log: false });
