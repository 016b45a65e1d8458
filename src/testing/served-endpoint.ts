import type { Child, ChildInit } from "./child.ts";
import { isFree } from "./ports.ts";
import { startServer } from "./start-server.ts";
import { answers, waitUntil } from "./wait.ts";

/** Vars and secrets of an app. */
export type Vars = Readonly<Record<string, string>>;

/** What a `ServedEndpoint` is made of. */
export interface ServedEndpointInit {
  readonly port: number;
  /** The process that serves, with these vars. */
  readonly child: (vars: Vars) => Promise<ChildInit>;
  readonly vars: Vars;
  readonly http11: boolean;
  readonly healthPath: string;
  /** Called by `stop()`, when the process has ended. */
  readonly dispose: () => Promise<void>;
}

/** An app that is served by a real runtime in a process of its own. */
export class ServedEndpoint {
  /** `http://127.0.0.1:<port>`; stays the same over `kill()` and `start()`. */
  readonly url: string;
  /** True when it has to be registered with `http11`: it speaks no cleartext HTTP/2. */
  readonly http11: boolean;
  readonly #init: ServedEndpointInit;
  #vars: Vars;
  #child: Child | undefined;

  constructor(init: ServedEndpointInit) {
    this.url = `http://127.0.0.1:${init.port}`;
    this.http11 = init.http11;
    this.#init = init;
    this.#vars = init.vars;
  }

  /** Id of the process that was started last; undefined before. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last lines that it printed since it was started. */
  get log(): string {
    return this.#child?.log() ?? "";
  }

  /** Starts it, or starts it again on the same port after `kill()`. Does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#child?.alive === true) return;
    const { child, port, healthPath } = this.#init;
    this.#child = await startServer(await child(this.#vars), port, () => answers(this.url + healthPath));
  }

  /** SIGKILL to whatever serves: as if its machine had died. Settles when nobody listens any more. */
  async kill(): Promise<void> {
    await this.#child?.kill();
    await waitUntil(`Somebody still listens on ${this.url}`, () => isFree(this.#init.port));
  }

  /** Kills it if it runs, and starts it again on the same port. `vars`: those that it has from now on. */
  async restart(vars: Vars = this.#vars): Promise<void> {
    await this.kill();
    this.#vars = vars;
    await this.start();
  }

  /** Ends it and removes its temporary files. */
  async stop(): Promise<void> {
    await this.#child?.stop();
    await this.#init.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
