/** An endpoint that Restate may register, update and lose: nothing else in a test needs it. */
import { type LoopbackServer, listen } from "../../../src/testing/http-server.ts";

const MANIFEST = {
  protocolMode: "REQUEST_RESPONSE",
  minProtocolVersion: 5,
  maxProtocolVersion: 6,
  services: [
    { name: "Sacrifice", ty: "SERVICE", handlers: [{ name: "run" }] },
    { name: "SacrificeObject", ty: "VIRTUAL_OBJECT", handlers: [{ name: "run", ty: "EXCLUSIVE" }] },
  ],
};

/** Serves two services below every path, so that any number of deployments is registered. Their handlers always fail. */
export function startSacrifice(): Promise<LoopbackServer> {
  return listen(async (request, response) => {
    if (request.url?.endsWith("/discover") !== true) {
      request.resume();
      response.writeHead(500).end();
      return;
    }
    const accept = request.headers.accept ?? "";
    const version = /endpointmanifest\.(v\d)\+json/.exec(accept)?.[1] ?? "v2";
    response.writeHead(200, { "content-type": `application/vnd.restate.endpointmanifest.${version}+json` });
    response.end(JSON.stringify(MANIFEST));
  });
}
