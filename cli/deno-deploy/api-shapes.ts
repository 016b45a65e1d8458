/** What Deno Deploy's API takes and answers, as far as the tool needs it; what it does not know is left alone. */
import { z } from "zod";

/** A variable of an app or a layer. */
export interface EnvVar {
  readonly key: string;
  readonly value: string;
  readonly secret: boolean;
  readonly contexts: "all" | readonly string[];
}

/** How a revision is built and run. `null`: the step is left out. */
export interface AppConfig {
  readonly install?: string | null | undefined;
  readonly build?: string | null | undefined;
  readonly predeploy?: string | null | undefined;
  readonly runtime: { readonly type: "dynamic"; readonly entrypoint: string; readonly args?: string[] | undefined };
}

/** Settings of an app that is made or changed. */
export interface AppSettings {
  readonly labels?: Readonly<Record<string, string>>;
  readonly env_vars?: readonly EnvVar[];
  readonly layers?: readonly string[];
  readonly config?: AppConfig;
}

/** A file of a revision. */
export interface Asset {
  readonly kind: "file";
  readonly encoding: "utf-8" | "base64";
  readonly content: string;
}

/** A revision to make. */
export interface DeployRequest {
  /** By their paths, with `/`. */
  readonly assets: Readonly<Record<string, Asset>>;
  readonly config: AppConfig;
  readonly labels: Readonly<Record<string, string>>;
  readonly production: boolean;
}

const contextsSchema = z.union([z.literal("all"), z.array(z.string())]);

const configSchema = z.object({
  install: z.string().nullish(),
  build: z.string().nullish(),
  predeploy: z.string().nullish(),
  runtime: z
    .object({ type: z.string().optional(), entrypoint: z.string().nullish(), args: z.array(z.string()).nullish() })
    .nullish(),
});

export const appSchema = z.object({
  id: z.string(),
  slug: z.string(),
  labels: z.record(z.string(), z.string()).nullish(),
  env_vars: z
    .array(
      z.object({
        key: z.string(),
        /** Absent of a secret. */
        value: z.string().nullish(),
        secret: z.boolean().optional(),
        contexts: contextsSchema.optional(),
      }),
    )
    .nullish(),
  layers: z.array(z.object({ id: z.string(), slug: z.string().nullish() })).nullish(),
  config: configSchema.nullish(),
});

/** An app. */
export type App = z.output<typeof appSchema>;

export const revisionSchema = z.object({
  id: z.string(),
  status: z.enum(["skipped", "queued", "building", "succeeded", "failed"]),
  failure_reason: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
});

/** A revision of an app. */
export type Revision = z.output<typeof revisionSchema>;

export const timelineSchema = z.object({
  context: z.object({ slug: z.string() }).nullish(),
  domains: z.array(z.object({ domain: z.string() })).nullish(),
});

/** One of the places where an app is served, such as production. */
export type Timeline = z.output<typeof timelineSchema>;

export const buildLineSchema = z.object({
  level: z.string().optional(),
  message: z.string(),
  step: z.string().optional(),
});

/** A line that a build printed. */
export type BuildLine = z.output<typeof buildLineSchema>;
