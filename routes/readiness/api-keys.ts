import { TokenSet } from "../auth.ts";
import type { Settings } from "../settings.ts";
import { type Finding, fail, pass } from "./check.ts";

/**
 * Whether somebody can invoke the public agents.
 *
 * @throws EndpointError `invalid-settings` (503) for a malformed key.
 */
export async function checkApiKeys({ AGENT_API_KEYS = "" }: Settings): Promise<Finding> {
  const { size } = await TokenSet.parse("AGENT_API_KEYS", AGENT_API_KEYS);
  if (size === 0) return fail("AGENT_API_KEYS is not set, so nobody can invoke agents");
  return pass(size === 1 ? "1 API key" : `${size} API keys`);
}
