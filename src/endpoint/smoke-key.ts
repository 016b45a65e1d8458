/**
 * Key in a service's metadata, as Restate shows it. Its value is the name of the handler that `deploy` calls. A file of its
 * own: the tool reads it, and needs no Restate SDK for that.
 */
export const SMOKE_KEY = "restate-edge-agents/smoke";
