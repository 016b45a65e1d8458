/**
 * Deno Deploy's REST API, version 2, as far as the tool uses it: https://api.deno.com/v2/docs.
 *
 * - A1 What only reads is tried again, after a broken connection and what the platform calls temporary (429, 5xx).
 * - A2 What changes something is sent once: nobody knows whether a broken call was done. A 429 says that it was not.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { reasonOf } from "../http/probe.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import {
  type App,
  appSchema,
  type AppSettings,
  type BuildLine,
  buildLineSchema,
  type DeployRequest,
  type Revision,
  revisionSchema,
  type Timeline,
  timelineSchema,
} from "./api-shapes.ts";

/** Where the API is, for the settings that Deno's own tools know. */
const ENDPOINT = "https://api.deno.com/v2";
const LONGEST_CALL_MS = 30_000;
/** Assets go in one request. */
const LONGEST_UPLOAD_MS = 300_000;
const READS_TRIED = 4;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 30_000;
/** How many of an app's revisions are looked at, the newest first. */
const REVISIONS = 10;

const errorSchema = z.object({ code: z.string().optional(), message: z.string() });

interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below the API's address. */
  readonly path: string;
  /** What is being done, for messages, such as `create the app desk-1a2b3c4d`. */
  readonly what: string;
  readonly body?: object;
  readonly accept?: string;
}

/** A client of the API, for one organization. */
export class DenoDeployApi {
  readonly #base: string;
  readonly #token: string;
  readonly #organization: string | undefined;
  readonly #signal: AbortSignal;

  /** @throws ToolError `deno-token-missing` */
  constructor({ environment, redactor, signal }: Pick<Tool, "environment" | "redactor" | "signal">) {
    const {
      DENO_DEPLOY_TOKEN: token = "",
      DENO_DEPLOY_ENDPOINT: endpoint,
      DENO_DEPLOY_ORG: organization,
    } = environment;
    if (token === "") {
      throw usageError(
        "deno-token-missing",
        "Cannot deploy to Deno Deploy: DENO_DEPLOY_TOKEN is not set",
        "Set it to an organization token (ddo_…) of the dashboard; or let the platform build, and pass --app-version <revision>",
      );
    }
    redactor.add(token);
    this.#base = endpoint === undefined || endpoint === "" ? ENDPOINT : `${endpoint.replace(/\/+$/, "")}/api/v2`;
    this.#token = token;
    this.#organization = organization;
    this.#signal = signal;
  }

  /** An app by its slug; undefined when there is none. */
  async app(slug: string): Promise<App | undefined> {
    const what = `read the app ${slug}`;
    const response = await this.#call({ method: "GET", path: `/apps/${encodeURIComponent(slug)}`, what });
    return response === undefined ? undefined : this.#parse(appSchema, response, what);
  }

  /** False: there is one of this name already. */
  async createApp(slug: string, settings: AppSettings): Promise<boolean> {
    const what = `create the app ${slug}`;
    try {
      await this.#call({ method: "POST", path: "/apps", what, body: { slug, ...settings } });
      return true;
    } catch (error) {
      if (error instanceof ToolError && error.details?.["status"] === 409) return false;
      throw error;
    }
  }

  /** Variables that are not named stay. */
  async updateApp(slug: string, settings: AppSettings): Promise<void> {
    const what = `change the settings of the app ${slug}`;
    const path = `/apps/${encodeURIComponent(slug)}`;
    if ((await this.#call({ method: "PATCH", path, what, body: settings })) === undefined) throw gone(slug);
  }

  /** True when it was there. */
  async removeApp(slug: string): Promise<boolean> {
    const path = `/apps/${encodeURIComponent(slug)}`;
    return (await this.#call({ method: "DELETE", path, what: `remove the app ${slug}` })) !== undefined;
  }

  /** Uploads a revision. Its build has begun then, not ended. */
  async deploy(slug: string, request: DeployRequest): Promise<Revision> {
    const what = `upload to the app ${slug}`;
    const path = `/apps/${encodeURIComponent(slug)}/deploy`;
    const response = await this.#call({ method: "POST", path, what, body: request });
    if (response === undefined) throw gone(slug);
    return this.#parse(revisionSchema, response, what);
  }

  /** The newest revisions of an app, the newest first; none of an app that is not there. */
  async revisions(slug: string): Promise<readonly Revision[]> {
    const what = `list the revisions of ${slug}`;
    const path = `/apps/${encodeURIComponent(slug)}/revisions?limit=${REVISIONS}`;
    const response = await this.#call({ method: "GET", path, what });
    return response === undefined ? [] : this.#parse(z.array(revisionSchema), response, what);
  }

  async revision(id: string): Promise<Revision | undefined> {
    const what = `read the revision ${id}`;
    const response = await this.#call({ method: "GET", path: `/revisions/${encodeURIComponent(id)}`, what });
    return response === undefined ? undefined : this.#parse(revisionSchema, response, what);
  }

  /** What a build that has ended printed. */
  async buildLog(id: string): Promise<readonly BuildLine[]> {
    const path = `/revisions/${encodeURIComponent(id)}/build_logs`;
    const what = `read the build log of ${id}`;
    const response = await this.#call({ method: "GET", path, what, accept: "application/x-ndjson" });
    const lines = response === undefined ? [] : response.split("\n").filter((line) => line.trim() !== "");
    return lines.flatMap((line) => buildLineSchema.safeParse(jsonOf(line)).data ?? []);
  }

  /** Where an app is served. */
  async timelines(slug: string): Promise<readonly Timeline[]> {
    const what = `read the addresses of ${slug}`;
    const response = await this.#call({ method: "GET", path: `/apps/${encodeURIComponent(slug)}/timelines`, what });
    return response === undefined ? [] : this.#parse(z.array(timelineSchema), response, what);
  }

  #parse<T>(schema: z.ZodType<T>, text: string, what: string): T {
    const parsed = schema.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new ToolError({
      code: "deno-deploy-failed",
      message: `Cannot ${what}: Deno Deploy's answer has another form than expected`,
      hint: "A newer version of this tool may know it",
      exitCode: EXIT.remote,
      details: { issues: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) },
    });
  }

  /** The answer's text; undefined for 404. */
  async #call(call: Call): Promise<string | undefined> {
    const reads = call.method === "GET";
    for (let tried = 1; ; tried++) {
      const answer = await this.#send(call);
      const isLast = tried === READS_TRIED;
      if (answer instanceof ToolError) {
        if (!reads || isLast) throw answer;
      } else {
        if (answer.ok || answer.status === 404) return answer.status === 404 ? undefined : answer.text;
        const isTemporary = answer.status === 429 || (reads && answer.status >= 500);
        if (!isTemporary || isLast) throw refused(call, answer);
      }
      const asked = answer instanceof ToolError ? 0 : answer.waitMs;
      const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(asked, FIRST_WAIT_MS * 2 ** tried));
      await sleep(waitMs, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted());
    }
  }

  async #send({ method, path, what, body, accept = "application/json" }: Call): Promise<Answer | ToolError> {
    const longestMs = path.endsWith("/deploy") ? LONGEST_UPLOAD_MS : LONGEST_CALL_MS;
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          accept,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(this.#organization === undefined ? {} : { "x-deno-org": this.#organization }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(longestMs)]),
      });
      const { ok, status, headers } = response;
      const waitMs = 1_000 * (Number(headers.get("retry-after") ?? "0") || 0);
      return { ok, status, waitMs, trace: headers.get("x-deno-trace-id") ?? undefined, text: await response.text() };
    } catch (error) {
      this.#signal.throwIfAborted();
      return new ToolError({
        code: "deno-deploy-unreachable",
        message: `Cannot ${what}: ${this.#base}: ${reasonOf(error, longestMs)}`,
        hint: "Run this again when it can be reached: it goes on from there",
        exitCode: EXIT.remote,
        cause: error,
      });
    }
  }
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  /** How long the platform asks to wait, in milliseconds. */
  readonly waitMs: number;
  readonly trace: string | undefined;
  readonly text: string;
}

function refused({ what }: Call, { status, text, trace }: Answer): ToolError {
  const { code, message } = errorSchema.safeParse(jsonOf(text)).data ?? { message: `it answers ${status}` };
  const details = { status, denoCode: code, trace };
  if (status === 401 || status === 403) {
    return new ToolError({
      code: "deno-deploy-unauthorized",
      message: `Cannot ${what}: Deno Deploy refuses DENO_DEPLOY_TOKEN: ${message}`,
      hint: "Make an organization token (ddo_…) in the settings of the organization that has the app; a personal one (ddp_…) needs DENO_DEPLOY_ORG, too",
      exitCode: EXIT.usage,
      details,
    });
  }
  return new ToolError({
    code: "deno-deploy-failed",
    message: `Cannot ${what}: ${message}${code === undefined ? "" : ` (${code})`}`,
    hint: status >= 500 || status === 429 ? "Run this again: it goes on from there" : undefined,
    exitCode: EXIT.remote,
    details,
  });
}

function gone(slug: string): ToolError {
  return new ToolError({
    code: "deno-deploy-failed",
    message: `Cannot upload: the app ${slug} is gone`,
    hint: "Somebody may have removed it just now: run this again",
    exitCode: EXIT.remote,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
