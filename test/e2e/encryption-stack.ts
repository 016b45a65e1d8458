/** The stack of the tests of encryption: Restate on disk, an app, a scripted model, and a search through every byte. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import {
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import type { Runtime } from "./lab-stack.ts";

const API_KEY = "key-of-the-encryption-tests";
const ADMIN_TOKEN = "token-of-the-encryption-tests";

/** RocksDB would compress what the search looks for, and not write it for a while. */
const AS_IT_IS: Readonly<Record<string, string>> = Object.fromEntries(
  ["", "WORKER__STORAGE__", "BIFROST__LOCAL__", "METADATA_SERVER__", "LOG_SERVER__"].flatMap((part) => [
    [`RESTATE_${part}ROCKSDB_DISABLE_WAL_COMPRESSION`, "true"],
    [`RESTATE_${part}ROCKSDB_DISABLE_L0_L1_COMPRESSION`, "true"],
  ]),
);

export type Vars = Readonly<Record<string, string>>;

/** See the head of this file. */
export class EncryptionStack {
  readonly restate: RestateTestServer;
  readonly openai: ScriptedOpenAI;
  readonly #runtime: Runtime;
  readonly isEncrypted: boolean;
  endpoint: ServedEndpoint;

  private constructor(
    { restate, openai, isEncrypted }: Pick<EncryptionStack, "restate" | "openai" | "isEncrypted">,
    runtime: Runtime,
    endpoint: ServedEndpoint,
  ) {
    this.restate = restate;
    this.openai = openai;
    this.isEncrypted = isEncrypted;
    this.#runtime = runtime;
    this.endpoint = endpoint;
  }

  static async start(
    runtime: Runtime,
    vars: Vars,
    script: (request: RecordedRequest) => ScriptedReply,
  ): Promise<EncryptionStack> {
    const [restate, openai] = await Promise.all([startRestate({ env: AS_IT_IS }), startScriptedOpenAI(script)]);
    const endpoint = await serve(runtime, restate, openai, vars);
    const stack = new EncryptionStack({ restate, openai, isEncrypted: "JOURNAL_KEYS" in vars }, runtime, endpoint);
    await stack.register();
    return stack;
  }

  /** Serves the app with other settings at another address, and registers it there: a new version. */
  async deploy(vars: Vars): Promise<() => Promise<void>> {
    const before = this.endpoint;
    this.endpoint = await serve(this.#runtime, this.restate, this.openai, vars);
    await this.register();
    return () => before.stop();
  }

  register(): Promise<unknown> {
    return this.restate.register(`${this.endpoint.url}/restate`, { http11: this.#runtime === "workerd" });
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.endpoint.stop(), this.openai.close()]);
  }

  /** A request for the app. The body of the answer. */
  async ask(
    path: string,
    json?: unknown,
    headers: Vars = {},
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const token = path.startsWith("/admin") ? ADMIN_TOKEN : API_KEY;
    const response = await fetch(this.endpoint.url + path, {
      ...(json === undefined ? {} : { method: "POST", body: JSON.stringify(json) }),
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith("{") || text.startsWith('"') || text.startsWith("[") ? JSON.parse(text) : text,
    };
  }

  /** As `ask`; fails when the answer is no success. */
  async get<T>(path: string, json?: unknown, headers: Vars = {}): Promise<T> {
    const { status, body } = await this.ask(path, json, headers);
    if (status < 300) return body as T;
    throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
  }

  /** Which of the texts are in the server's files, and the files' names. */
  async search(
    texts: readonly string[],
  ): Promise<{ readonly found: readonly string[]; readonly files: readonly string[]; readonly bytes: number }> {
    const found = new Set<string>();
    const files = new Set<string>();
    let bytes = 0;
    const entries = await readdir(this.restate.baseDir, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const content = await readFile(join(entry.parentPath, entry.name));
      bytes += content.length;
      for (const text of texts) {
        for (const bytesOfText of spellings(text)) {
          if (!content.includes(bytesOfText)) continue;
          found.add(text);
          files.add(entry.name.replace(/\d+/g, "N"));
        }
      }
    }
    return { found: [...found].toSorted(), files: [...files].toSorted(), bytes };
  }
}

/** A text as it is, in the three ways base64 may cut it, and in UTF-16. */
function spellings(text: string): Buffer[] {
  const shifted = ["", "x", "xx"].map((before) => {
    const base64 = Buffer.from(before + text).toString("base64");
    return Buffer.from(base64.slice(before === "" ? 0 : 4, -4));
  });
  return [Buffer.from(text), ...shifted, Buffer.from(text, "utf16le")];
}

async function serve(
  runtime: Runtime,
  restate: RestateTestServer,
  openai: ScriptedOpenAI,
  vars: Vars,
): Promise<ServedEndpoint> {
  const entry = new URL(`../fixtures/encryption/${runtime === "workerd" ? "worker" : "deno"}.ts`, import.meta.url)
    .pathname;
  return (runtime === "workerd" ? serveWorker : serveDeno)({
    entry,
    vars: {
      ENVIRONMENT: "development",
      RESTATE_INGRESS_URL: restate.ingressUrl,
      RESTATE_ADMIN_URL: restate.adminUrl,
      OPENAI_BASE_URL: openai.baseURL,
      AGENT_API_KEYS: API_KEY,
      ADMIN_TOKEN,
      ...vars,
    },
  });
}
