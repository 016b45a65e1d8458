import type { AppServer } from "./app-server.ts";
import { register, type Registered } from "./register.ts";
import type { RestateServer } from "./restate-server.ts";
import { answers, waitUntil } from "./wait.ts";

/** What a registrar works with. */
export interface RegistrarInit {
  readonly restate: RestateServer;
  /** Told, in one line, about each registration after the first. */
  readonly onChange: (message: string) => void;
}

/** Longest wait for the app to answer, in milliseconds. A first build on a slow machine takes seconds. */
const APP_TIMEOUT_MS = 60_000;

/** Keeps Restate's picture of the app current: one registration at a time, and one more when code changed meanwhile. */
export class Registrar {
  readonly #init: RegistrarInit;
  #app: AppServer | undefined;
  #running = false;
  #again = false;

  constructor(init: RegistrarInit) {
    this.#init = init;
  }

  /** Registers the app for the first time. A failure is reported, not thrown: the next change of the source may cure it. */
  async begin(app: AppServer): Promise<Registered> {
    this.#app = app;
    return this.#exclusively(() => this.#register(app));
  }

  /** Registers once more, because new code is being served. */
  renew(): void {
    const app = this.#app;
    if (app === undefined) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    const registered = this.#exclusively(async () => {
      const services = await this.#register(app);
      if (services.length > 0) this.#init.onChange(`Registered again: ${services.map(({ name }) => name).join(", ")}`);
      return services;
    });
    // It throws only when the app has ended, which whoever started the app sees, too.
    registered.catch(() => {});
  }

  async #exclusively(work: () => Promise<Registered>): Promise<Registered> {
    this.#running = true;
    try {
      return await work();
    } finally {
      this.#running = false;
      if (this.#again) {
        this.#again = false;
        this.renew();
      }
    }
  }

  async #register(app: AppServer): Promise<Registered> {
    const { onChange, restate } = this.#init;
    try {
      const options = { timeoutMs: APP_TIMEOUT_MS, signal: app.child.endedSignal };
      if (!(await waitUntil(() => answers(`${app.url}/health`), options))) {
        throw new Error(`${app.url}/health does not answer`);
      }
      // What is being served by now is what gets registered.
      this.#again = false;
      return await register(restate.adminUrl, app.deployment);
    } catch (error) {
      if (app.child.endedSignal.aborted) throw error;
      onChange(`Cannot register ${app.deployment.uri}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  }
}
