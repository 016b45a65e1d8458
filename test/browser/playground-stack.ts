/** The stack of the browser tests: real Restate, real workerd, a scripted provider, the built page, a browser. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { buildPage } from "../../cli/page/build-page.ts";
import { type Control, startControl } from "../../cli/stack/control.ts";
import { withPlayground } from "../../cli/stack/settings.ts";
import type { LoopbackServer } from "../../src/testing/http-server.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startBrowser } from "./browser.ts";
import { startPageServer } from "./page-server.ts";
import { Playground } from "./playground.ts";
import { type Pace, travelScript } from "./script.ts";

/** See the head of this file. */
export class PlaygroundStack {
  readonly browser: Browser;
  readonly restate: RestateTestServer;
  readonly worker: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly vars: Readonly<Record<string, string>>;
  /** How fast the provider speaks. */
  readonly pace: Pace = { wordMs: 35 };
  readonly #others: readonly (LoopbackServer | Control)[];
  #count = 0;

  private constructor(
    parts: Pick<PlaygroundStack, "browser" | "restate" | "worker" | "openai" | "vars">,
    others: readonly (LoopbackServer | Control)[],
  ) {
    this.browser = parts.browser;
    this.restate = parts.restate;
    this.worker = parts.worker;
    this.openai = parts.openai;
    this.vars = parts.vars;
    this.#others = others;
  }

  static async start(): Promise<PlaygroundStack> {
    await buildPage();
    const [browser, restate, page] = await Promise.all([startBrowser(), startRestate(), startPageServer()]);
    const openai = await startScriptedOpenAI((request) => travelScript(request, stack.pace));
    const control = await startControl(() => worker.restart());
    const settings = {
      ENVIRONMENT: "development",
      RESTATE_INGRESS_URL: restate.ingressUrl,
      RESTATE_ADMIN_URL: restate.adminUrl,
      OPENAI_BASE_URL: openai.baseURL,
      PAGE_URL: page.url,
    };
    const vars = withPlayground(settings, control.url);
    const entry = new URL("../fixtures/playground/worker.ts", import.meta.url).pathname;
    const worker: ServedEndpoint = await serveWorker({ entry, vars });
    const stack: PlaygroundStack = new PlaygroundStack({ browser, restate, worker, openai, vars }, [page, control]);
    await restate.register(`${worker.url}/restate`, { http11: true });
    return stack;
  }

  /** Opens the page in a browser of its own, at a conversation that nobody else has. */
  async open(options: BrowserContextOptions = {}): Promise<Playground> {
    this.#count += 1;
    return this.visit(`Assistant/chat-${this.#count}`, options);
  }

  /** Opens the page at a conversation. */
  async visit(place: string, options: BrowserContextOptions = {}): Promise<Playground> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page: Page = await context.newPage();
    const playground = new Playground(page, place);
    // `localhost`: the name that the page is opened by.
    await page.goto(`${this.worker.url.replace("127.0.0.1", "localhost")}/#${place}`);
    return playground;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await Promise.all([this.restate.stop(), this.worker.stop(), this.openai.close()]);
    for (const other of this.#others) await other.close();
  }
}
