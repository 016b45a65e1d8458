/** A Worker for live streams alone. Apps bind to its class with `script_name = "restate-edge-streams"`. */
export { StreamKeeper } from "../src/stream/stream-keeper.ts";

export default { fetch: (): Response => new Response("Not found", { status: 404 }) };
