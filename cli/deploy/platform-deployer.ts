/**
 * What a platform does for `deploy`, and what is the same for all of them.
 *
 * The platform checks, uploads and promotes. Between that, whatever the platform, a version is waited for, registered with
 * Restate and tried out: deploy.ts.
 */
import type { AdminClient } from "../../src/admin/index.ts";
import type { Platform } from "../deployments/metadata.ts";
import type { RestateSettings } from "../project/restate-settings.ts";
import type { Tool } from "../tool/tool.ts";
import type { DeployOptions } from "./options.ts";
import type { StepLog } from "./step-log.ts";

/** What every step works with. */
export interface DeployContext {
  readonly tool: Tool;
  readonly options: DeployOptions;
  readonly restate: RestateSettings;
  readonly admin: AdminClient;
  readonly log: StepLog;
}

/** What is to be deployed, before anything is changed. */
export interface Candidate {
  /** The app's name, the same for all its versions. */
  readonly app: string;
  readonly platform: Platform;
  /** Hash of code and configuration: the same is never uploaded twice. Hexadecimal, 20 characters. */
  readonly fingerprint: string;
  /** Commit that it was made from, where it is known. */
  readonly gitSha?: string | undefined;
  /** Why it is deployed in this way, where the tool chose. */
  readonly reason?: string | undefined;
}

/** A version that the platform has. It never changes. */
export interface UploadedVersion {
  /** As the app itself knows it: `/health` tells it. */
  readonly version: string;
  /** Where it answers, without a slash at the end. The Restate endpoint is below, at `<mount>/v/<version>`. */
  readonly url: string;
  /** Name of its Worker, where it has one. */
  readonly worker?: string | undefined;
  /** True: it speaks HTTP/2 without TLS. */
  readonly http2?: boolean | undefined;
  /** False: it had been uploaded before. */
  readonly isNew: boolean;
  /** True: its upload was the app's first one, and the app's own address serves it from there on. */
  readonly isPromoted?: boolean | undefined;
}

/** A platform. */
export interface PlatformDeployer {
  /** For people, such as `Cloudflare Workers`. */
  readonly name: string;
  /** Checks everything that can be checked without changing anything. @throws ToolError what is wrong. */
  check(context: DeployContext): Promise<Candidate>;
  /** The version with this fingerprint, if the platform has it already and where it answers is known. Changes nothing. */
  find(context: DeployContext, candidate: Candidate): Promise<UploadedVersion | undefined>;
  /** Makes the version, under a URL of its own. Nothing that Restate knows changes. */
  upload(context: DeployContext, candidate: Candidate): Promise<UploadedVersion>;
  /** A version that had been uploaded before does not answer: does again what an interruption may have left out. */
  readonly openAddress?: (context: DeployContext, candidate: Candidate) => Promise<void>;
  /** The version that the app's own address serves now; undefined when there is none, or nobody knows. */
  promoted(context: DeployContext, candidate: Candidate): Promise<string | undefined>;
  /** Lets the app's own address serve the version. Absent: the platform has no such step. */
  readonly promote?: (context: DeployContext, candidate: Candidate, version: UploadedVersion) => Promise<void>;
  /**
   * Another deployment has registered `other` as the latest while this one was being promoted. If `other` had been promoted
   * before, this one has put itself in its place: then it is promoted again, and the answer is true.
   */
  readonly giveWay?: (context: DeployContext, candidate: Candidate, other: string) => Promise<boolean>;
  /** The app's own address; undefined when it has none that is known. */
  mainUrl(context: DeployContext, version: UploadedVersion): string | undefined;
}
