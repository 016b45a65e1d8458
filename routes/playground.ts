/**
 * `/` and `/playground/*`: the playground's page, in development or with `PLAYGROUND=on`.
 *
 * - P1 The page and its files hold no secret. What they do they do over the routes that everybody uses, with a key.
 * - P2 A key is given to the page only in development, only the one that the development stack made for it at its start,
 *   and only to the page itself, at a loopback address. Another site's page cannot ask: the request needs a header for
 *   which a browser asks first, and nobody answers it. One whose name was pointed at this machine has another host.
 * - P3 The Worker is crashed in development alone, for those with a key.
 * - P4 Switched off, all of it is 404, as if it were not there.
 */
import type { Context, MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { apiKeys } from "./agents.ts";
import { shortened } from "./operations/not-found.ts";
import { playgroundControl } from "./playground-control.ts";
import { boundFiles, type PlaygroundFiles } from "./playground-files.ts";
import { HttpProblem } from "./problem.ts";
import { settingsOf } from "./settings.ts";

/** How the playground is served. */
export interface PlaygroundOptions {
  /** Name of the app. */
  readonly name: string;
  /** Where its files are. Default: the static assets, binding `ASSETS`. */
  readonly files?: PlaygroundFiles | undefined;
  /** Who may use the API. Default: callers with an API key. */
  readonly auth?: MiddlewareHandler | undefined;
}

/** What the page is told about the app. */
interface PlaygroundConfig {
  readonly name: string;
  readonly development: boolean;
  readonly key?: string | undefined;
  readonly canCrash: boolean;
  readonly restateUi?: string | undefined;
}

/** Nothing but the page's own files and this app's routes; nobody frames it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** Vite puts the content's hash into these names. */
const HASHED = /-[\w-]{8}\.(css|js)$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** The routes of the playground. They are none of the API's, so they are in no description of it. */
export function playgroundRoutes({ name, files, auth = apiKeys() }: PlaygroundOptions): Hono {
  const app = new Hono();
  app.all("/playground/config", onlyWhenOn("GET", "HEAD"), (context) => {
    requireOwnPage(context);
    return context.json(configOf(context, name));
  });
  app.all("/playground/crash", onlyWhenOn("POST"), auth, async (context) => {
    const control = playgroundControl(settingsOf(context));
    if (control === undefined) throw nothingAt(context);
    if (!(await control.crash())) {
      throw new HttpProblem(
        "stack-unreachable",
        503,
        "The development stack did not answer: is npm start still running?",
        {
          headers: { "retry-after": "2" },
        },
      );
    }
    return context.json({ crashed: true }, 202);
  });
  const file: MiddlewareHandler = (context) => fileOf(context, files);
  app.all("/", onlyWhenOn("GET", "HEAD"), file);
  app.all("/playground/:file", onlyWhenOn("GET", "HEAD"), file);
  return app;
}

/** A switched-off playground is not there (P4), and neither is it for other methods: the routes are the page's own. */
function onlyWhenOn(...methods: readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    const { PLAYGROUND, ENVIRONMENT } = settingsOf(context);
    const isOn = PLAYGROUND === "on" || (PLAYGROUND !== "off" && ENVIRONMENT === "development");
    if (isOn && methods.includes(context.req.raw.method)) return next();
    throw nothingAt(context);
  };
}

async function fileOf(context: Context, own: PlaygroundFiles | undefined): Promise<Response> {
  const files = own ?? boundFiles(context);
  const { pathname, origin } = new URL(context.req.url);
  const { method } = context.req.raw;
  // Without the caller's headers: no conditions, no ranges.
  const answer = await files?.fetch(new Request(new URL(pathname, origin), { method }));
  if (answer?.ok !== true) {
    await answer?.body?.cancel();
    throw nothingAt(context, pathname === "/" ? ": the playground is not built, run npm run build:web" : "");
  }
  const headers = new Headers({
    "content-type": answer.headers.get("content-type") ?? "application/octet-stream",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cache-control": HASHED.test(pathname) ? "public, max-age=31536000, immutable" : "no-cache",
  });
  return new Response(answer.body, { headers });
}

/** P2. A browser says of every request of ours where it comes from; one that does not is stopped by the header. */
function requireOwnPage(context: Context): void {
  const site = context.req.header("sec-fetch-site") ?? "same-origin";
  if (context.req.header("x-playground") === "1" && site === "same-origin") return;
  throw new HttpProblem("forbidden", 403, "This is for the playground's own page");
}

function configOf(context: Context, name: string): PlaygroundConfig {
  const settings = settingsOf(context);
  const development = settings.ENVIRONMENT === "development";
  if (!development || !isAtLoopback(context)) return { name, development, canCrash: false };
  return {
    name,
    development,
    key: settings.PLAYGROUND_KEY,
    canCrash: playgroundControl(settings) !== undefined,
    restateUi: settings.RESTATE_ADMIN_URL?.replace(/\/+$/, ""),
  };
}

/** What the browser calls this app, both as the platform and as the request says. */
function isAtLoopback(context: Context): boolean {
  const { hostname } = new URL(context.req.url);
  const host = context.req.header("host")?.replace(/:\d+$/, "") ?? hostname;
  return LOOPBACK.test(hostname) && LOOPBACK.test(host);
}

function nothingAt(context: Context, hint = ""): HttpProblem {
  const { pathname } = new URL(context.req.url);
  return new HttpProblem("not-found", 404, `Nothing is served at ${shortened(pathname)}${hint}`);
}
