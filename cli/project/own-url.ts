import type { WorkerConfig } from "./project.ts";

/**
 * The address at which people reach the app: its custom domain, else its workers.dev address unless that is off.
 *
 * @param workersDevUrl Told from the address of one of its versions; undefined when it cannot be.
 */
export function ownUrl(
  { customDomains, workersDev }: Pick<WorkerConfig, "customDomains" | "workersDev">,
  workersDevUrl: string | undefined,
): string | undefined {
  const [domain] = customDomains;
  if (domain !== undefined) return `https://${domain}`;
  return workersDev === false ? undefined : workersDevUrl;
}
