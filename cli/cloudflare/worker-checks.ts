/** What of a Worker's settings would make a deployment fail, or worse, not fail. */
import { parseIdentityKeys } from "../../src/endpoint/identity-keys.ts";
import type { Strategy } from "../deploy/options.ts";
import type { WorkerConfig } from "../project/project.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";

/** Something that is wrong, and what to do. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What is known of the Worker. */
export interface WorkerFacts {
  readonly worker: WorkerConfig;
  /** Secrets that it has, or gets. */
  readonly secrets: readonly string[];
  readonly strategy: Strategy;
  /** Versions are served elsewhere than below workers.dev. */
  readonly hasVersionUrl: boolean;
  /** Things in its configuration that only one Worker can have, such as `routes`. */
  readonly exclusive: readonly string[];
}

/** As routes/settings.ts reads it. */
const VERSION_BINDING = "CF_VERSION_METADATA";
/** From then on compatibility dates imply `nodejs_compat`. */
const NODEJS_BY_DATE = "2026-08-04";

export function problemsOf(facts: WorkerFacts): Problem[] {
  return [
    ...identityKeys(facts),
    ...missingSecrets(facts),
    ...compatibility(facts.worker),
    ...(facts.strategy === "version-url" ? versionUrls(facts) : versionWorkers(facts)),
  ];
}

/** @throws ToolError with all of them; its code is that of the first. */
export function requireNoProblem(problems: readonly Problem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  const one = others.length === 0;
  throw new ToolError({
    code: first.code,
    message: one
      ? `Cannot deploy: ${first.message}`
      : `Cannot deploy:\n${problems.map(({ message, hint }) => `  ${message}\n    ${hint}`).join("\n")}`,
    hint: one ? first.hint : undefined,
    exitCode: EXIT.usage,
    details: { problems },
  });
}

function identityKeys({ worker: { vars }, secrets }: WorkerFacts): Problem[] {
  if (vars["ENVIRONMENT"] === "development" || secrets.includes("RESTATE_IDENTITY_KEYS")) return [];
  const keys = vars["RESTATE_IDENTITY_KEYS"];
  const hint =
    "Copy the key of your Restate environment (Developers > Security > HTTP services) into [vars]: it is public";
  const problem = (message: string): Problem[] => [{ code: "identity-keys", message, hint }];
  if (typeof keys !== "string" || keys.trim() === "") {
    return problem("RESTATE_IDENTITY_KEYS is not set, so the Worker would refuse Restate's requests");
  }
  try {
    parseIdentityKeys(keys);
    return [];
  } catch {
    return problem("RESTATE_IDENTITY_KEYS has a malformed key");
  }
}

function missingSecrets({ worker: { requiredSecrets }, secrets }: WorkerFacts): Problem[] {
  const missing = requiredSecrets.filter((name) => !secrets.includes(name));
  if (missing.length === 0) return [];
  return [
    {
      code: "secrets-missing",
      message: `the Worker has no secret ${missing.join(", ")}, and [secrets] required names it`,
      hint: "Pass --secrets-file with a file of NAME=value lines; the values are uploaded with the version",
    },
  ];
}

function compatibility({ compatibilityDate, compatibilityFlags }: WorkerConfig): Problem[] {
  if (compatibilityDate === undefined) {
    return [
      {
        code: "compatibility-date",
        message: "compatibility_date is not set",
        hint: "Set it to the day on which you last tested; it pins the behaviour of the runtime",
      },
    ];
  }
  if (compatibilityFlags.includes("nodejs_compat")) return [];
  if (compatibilityDate >= NODEJS_BY_DATE && !compatibilityFlags.includes("no_nodejs_compat")) return [];
  return [
    {
      code: "nodejs-compat",
      message: "compatibility_flags lacks nodejs_compat, which the Restate SDK needs",
      hint: 'Add it: compatibility_flags = ["nodejs_compat"]',
    },
  ];
}

function versionUrls({ worker, hasVersionUrl }: WorkerFacts): Problem[] {
  const problems: Problem[] = [];
  if (worker.versionMetadata !== VERSION_BINDING) {
    problems.push({
      code: "version-metadata",
      message: `the Worker cannot tell its version: there is no version_metadata binding ${VERSION_BINDING}`,
      hint: `Add [version_metadata] with binding = "${VERSION_BINDING}"`,
    });
  }
  if (hasVersionUrl) return problems;
  // By default versions have URLs where the Worker itself is below workers.dev.
  if (worker.workersDev === false && worker.previewUrls !== true) {
    problems.push({
      code: "preview-urls",
      message: "versions of the Worker have no URLs: workers_dev is false, and preview_urls is not true",
      hint: "Set preview_urls = true, or name with --version-url where versions are served",
    });
  } else if (worker.previewUrls === false) {
    problems.push({
      code: "preview-urls",
      message: "versions of the Worker have no URLs: preview_urls is false",
      hint: "Set preview_urls = true, or pass --strategy worker-per-version",
    });
  }
  return problems;
}

function versionWorkers({ worker, exclusive, hasVersionUrl }: WorkerFacts): Problem[] {
  const problems: Problem[] = [];
  if (exclusive.length > 0) {
    problems.push({
      code: "exclusive-settings",
      message: `every version would be a Worker that takes over ${exclusive.join(", ")}`,
      hint: "Move that to a Worker of its own that calls this one through a service binding",
    });
  }
  if (worker.workersDev === false && !hasVersionUrl) {
    problems.push({
      code: "workers-dev",
      message: "a version's Worker would have no URL: workers_dev is false",
      hint: "Set workers_dev = true, or name with --version-url where versions are served",
    });
  }
  return problems;
}
