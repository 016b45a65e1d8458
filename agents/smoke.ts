import { smokeService, TerminalError } from "../src/index.ts";
import { hasModelKey } from "./model.ts";
import { setting } from "./settings.ts";

/**
 * What `deploy` calls on a new version before it gets the traffic. Several apps may share one Restate, so the app's name
 * is in the service's.
 */
export const smoke = smokeService("smoke.restate-edge-agents", {
  // A provider's own address may lead to a server that knows no such route: only what it refuses counts.
  check: async (signal) => {
    if (!hasModelKey()) return;
    const url = `${setting("OPENAI_BASE_URL") ?? "https://api.openai.com/v1"}/models`;
    const headers = { authorization: `Bearer ${setting("OPENAI_API_KEY")}` };
    const { status } = await fetch(url, { headers, signal });
    if (status === 401 || status === 403) throw new TerminalError("The model provider does not accept OPENAI_API_KEY");
    if (status >= 500) throw new Error(`The model provider answered ${status}`);
  },
});
