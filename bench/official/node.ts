/** Serves the agent over cleartext HTTP/2, bidirectional, on the port of the first argument. */
import { createServer } from "node:http2";
import { createEndpointHandler } from "@restatedev/restate-sdk";
import { agentService } from "./service.ts";

const handler = createEndpointHandler({ services: [agentService], bidirectional: true });
createServer(handler).listen(Number(process.argv[2]), "127.0.0.1");
