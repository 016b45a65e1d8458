/** Where the logs of a version are. */
import type { RegisteredVersion } from "../deployments/registered.ts";
import type { Project } from "../project/project.ts";
import { shortVersion } from "../deployments/words.ts";

/** What to look at. */
export interface LogSource {
  /** The Worker to tail; absent where there is none. */
  readonly worker?: string | undefined;
  /** What one should know about it. */
  readonly notes: readonly string[];
}

const NO_LOGS_AT_VERSION_URLS =
  "Requests to version URLs, which is where Restate calls, are in no log of Cloudflare: neither here nor in the dashboard." +
  " This shows what the app's own hostname serves";

const INSTEAD =
  "What runs did: `journal <invocation>` shows steps, retries and failures; traces go where OTEL_EXPORTER_OTLP_ENDPOINT" +
  " says; `deploy` with one Worker per version has logs";

/** Of the version that is meant; undefined: nothing is registered. */
export function logSourceOf(project: Project | undefined, registered: RegisteredVersion | undefined): LogSource {
  const facts = registered?.facts;
  switch (facts?.platform) {
    case undefined:
    case "version-url":
      if (project === undefined)
        return { notes: ["There is no Worker to tail here: run this in the project's folder"] };
      return { worker: project.worker.name, notes: [NO_LOGS_AT_VERSION_URLS, INSTEAD] };
    case "worker-per-version": {
      const { worker = project?.worker.name, version } = facts;
      return { worker, notes: [`Version ${shortVersion(version)} is the Worker ${worker ?? "of that name"}`] };
    }
    case "deno-deploy":
      return {
        notes: [
          `Deno Deploy has the logs of ${facts.worker ?? facts.app}: in its dashboard, under Logs, or \`deno deploy logs\``,
        ],
      };
    case "url":
      return {
        notes: [
          `Whoever runs ${registered?.deployment.uri ?? facts.app} has its logs: the app writes one JSON line per request to` +
            " standard output (docker logs, kubectl logs, journalctl)",
        ],
      };
  }
}
