import type { InvocationTarget } from "../../src/ingress/target.ts";
import { usageError } from "../tool/tool-error.ts";

/**
 * `Service/handler`, or `Object/key/handler` of a virtual object or workflow. A key may have slashes.
 *
 * @throws ToolError `invalid-target`
 */
export function parseTarget(text: string): InvocationTarget {
  const parts = text.split("/");
  const [service = "", handler = ""] = [parts[0], parts.at(-1)];
  if (parts.length >= 2 && service !== "" && handler !== "") {
    const key = parts.slice(1, -1).join("/");
    if (parts.length === 2) return { service, handler };
    if (key !== "") return { service, key, handler };
  }
  throw usageError(
    "invalid-target",
    `Cannot invoke ${JSON.stringify(text)}: it names no handler`,
    "Write it as Service/handler, or Object/key/handler",
  );
}
