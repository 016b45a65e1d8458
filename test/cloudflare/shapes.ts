/** The account's things as the API shows them. */
import type { Account } from "./account.ts";
import type { Deployment, Version, WorkerScript } from "./worker-script.ts";

/** Whose token it is. */
export const AUTHOR = { id: "0a1b2c3d4e5f60718293a4b5c6d7e8f9", email: "deploy@example.com" } as const;

/** A Worker, as `…/workers/services/:worker` shows it. */
export function serviceShape(worker: WorkerScript): object {
  const { name, createdAt, tag, migrationTag, latest } = worker;
  const script = {
    id: name,
    tag,
    tags: worker.settings["tags"] ?? [],
    etag: latest?.id ?? "",
    created_on: createdAt,
    modified_on: latest?.createdAt ?? createdAt,
    last_deployed_from: "wrangler",
    compatibility_date: latest?.compatibilityDate,
    compatibility_flags: latest?.compatibilityFlags ?? [],
    ...(migrationTag === undefined ? {} : { migration_tag: migrationTag }),
  };
  return { id: name, created_on: createdAt, default_environment: { environment: "production", script } };
}

/** A Worker, as `…/workers/workers/:worker` shows it: with the addresses that it has. */
export function workerShape(account: Account, worker: WorkerScript): object {
  const { name, tag, createdAt, subdomain } = worker;
  return {
    id: tag,
    name,
    created_on: createdAt,
    subdomain: {
      ...subdomain,
      url: `https://${account.hostOf(name)}`,
      preview_url_suffix: account.previewSuffix(name),
    },
  };
}

/** A version, with its details. */
export function versionShape(worker: WorkerScript, version: Version): object {
  return {
    ...versionSummary(version),
    startup_time_ms: 20,
    resources: {
      script: { etag: version.id.replaceAll("-", ""), handlers: ["fetch"], last_deployed_from: "wrangler" },
      script_runtime: {
        compatibility_date: version.compatibilityDate,
        compatibility_flags: version.compatibilityFlags,
        usage_model: "standard",
      },
      bindings: worker.shownBindings(version),
    },
  };
}

/** A version, as lists show it. */
export function versionSummary({ id, number, createdAt, hasPreview, annotations }: Version): object {
  return {
    id,
    number,
    metadata: {
      created_on: createdAt,
      modified_on: createdAt,
      source: "wrangler",
      author_id: AUTHOR.id,
      author_email: AUTHOR.email,
      has_preview: hasPreview,
    },
    annotations,
  };
}

export function deploymentShape({ id, createdAt, versions, annotations }: Deployment): object {
  return {
    id,
    created_on: createdAt,
    source: "wrangler",
    strategy: "percentage",
    author_email: AUTHOR.email,
    versions,
    annotations,
  };
}
