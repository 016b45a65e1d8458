/** What the generator knows: where the app is, what it serves, and values that exist. */
import { anApprovalId } from "./chat-bodies.ts";
import { type FuzzStack, SECRETS, type Seeded } from "./fuzz-stack.ts";
import { type OpenApiDocument, type Operation, operationsOf } from "./operations.ts";
import type { Random } from "./random.ts";
import { SchemaValues } from "./schema-value.ts";

/** Operations that are tried also when the document does not name them. */
const KNOWN: readonly (readonly [string, string])[] = [
  ["GET", "/health"],
  ["GET", "/ready"],
  ["GET", "/openapi.json"],
  ["POST", "/agents/{service}/{handler}"],
  ["POST", "/agents/{service}/{key}/{handler}"],
  ["GET", "/agents/invocations/{id}"],
  ["DELETE", "/agents/invocations/{id}"],
  ["GET", "/restate/discover"],
  ["POST", "/restate/invoke/{service}/{handler}"],
  ["POST", "/restate/serdes/{service}/{handler}"],
  ["GET", "/restate/v/{version}/discover"],
  ["POST", "/restate/v/{version}/invoke/{service}/{handler}"],
  ["POST", "/mcp"],
  ["GET", "/mcp"],
  ["GET", "/admin/invocations"],
  ["GET", "/admin/deployments"],
  ["GET", "/admin/services"],
];

/** A marker in generated bodies: no line of the log may hold it. */
export const BODY_CANARY = "canary-body-4d8a1c";

const LOOPBACK_URIS = [
  "http://127.0.0.1:1/",
  "http://127.0.0.1:1",
  "http://[::1]:1/x",
  "ftp://127.0.0.1/",
  "127.0.0.1",
  "",
];

/** Places where one service may stand for another. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export class World {
  readonly port: number;
  readonly operations: readonly Operation[];
  readonly documented: number;
  readonly stack: FuzzStack;
  readonly schemas: SchemaValues;
  readonly #seeded: Seeded;

  /** `port`: of another app than the stack's. `only`: paths that are asked for; default all. */
  constructor(
    stack: FuzzStack,
    seeded: Seeded,
    document: OpenApiDocument,
    { port = stack.port, only = /./ }: { readonly port?: number; readonly only?: RegExp } = {},
  ) {
    const isWanted = (template: string): boolean => only.test(template);
    const operations = operationsOf(document).filter(({ template }) => isWanted(template));
    const shape = (template: string): string => template.replaceAll(/\{\w+\}/g, "{}");
    const isNew = ([method, template]: readonly [string, string]): boolean =>
      !operations.some((known) => known.method === method && shape(known.template) === shape(template));
    const parametersOf = (template: string): Operation["parameters"] =>
      [...template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({ name, in: "path" }));
    this.port = port;
    this.stack = stack;
    this.#seeded = seeded;
    this.documented = operations.length;
    this.operations = [
      ...operations,
      ...KNOWN.filter(isNew)
        .filter(([, template]) => isWanted(template))
        .map(([method, template]) => ({
          method,
          template,
          parameters: parametersOf(template),
          statuses: [],
          ...(method === "POST" ? { body: {} } : {}),
        })),
    ];
    this.schemas = new SchemaValues(document, (random, name) => this.#bodyMember(random, name));
  }

  /**
   * A value for a parameter in the path, decoded. Below `/admin` what is changed or deleted is never the app's own: it
   * would end the test.
   */
  pathValue(random: Random, operation: Operation, name: string, method: string): string {
    if (operation.template.startsWith("/chat")) {
      return name === "session" ? `c${random.int(0, 200)}` : random.pick(["Chat", "Chat", "Chat", "Nope"]);
    }
    if (operation.template.startsWith("/approvals")) return anApprovalId(random);
    const isAdmin = operation.template.startsWith("/admin");
    const mayHarm = isAdmin && !SAFE_METHODS.has(method);
    const { completed, sacrificed, sacrificedDeployments, deployment } = this.#seeded;
    const before = operation.template.slice(0, operation.template.indexOf(`{${name}}`));
    const isOf = (word: string): boolean => new RegExp(word, "i").test(name) || before.endsWith(`/${word}s/`);
    if (isOf("deployment"))
      return random.pick(mayHarm ? sacrificedDeployments : [deployment, ...sacrificedDeployments]);
    if (isOf("invocation")) return random.pick(isAdmin ? sacrificed : completed);
    if (isOf("key")) return random.pick(["k1", "k2", "k 3", "ü/x", "a".repeat(60)]);
    if (isOf("handler")) return random.pick(isAdmin ? ["run", "say"] : ["say"]);
    if (isOf("service") || isOf("object")) return this.#serviceName(random, operation, mayHarm);
    return random.pick(["x", "sub_11XCD2E3F4G5H6J7K8", "cluster-1", "1"]);
  }

  /** A value for a parameter in the query or a header, decoded; undefined: made from its schema. */
  queryValue(random: Random, name: string): string | undefined {
    if (/^(wait|timeout)/i.test(name)) return random.pick(["0", "10ms", "0s", "1"]);
    if (/^delay$/i.test(name)) return random.pick(["1s", "PT10S", "0"]);
    if (/service|target/i.test(name)) return random.pick(["Echo", "Keyed", "Sacrifice"]);
    if (/^deployment$/i.test(name)) return random.pick(["latest", "keep", ...this.#seeded.sacrificedDeployments]);
    return undefined;
  }

  #serviceName(random: Random, { template }: Operation, mayHarm: boolean): string {
    if (mayHarm) return random.pick(["Sacrifice", "SacrificeObject"]);
    if (template.includes("key")) return "Keyed";
    if (template.startsWith("/admin")) return random.pick(["Echo", "Keyed", "Sacrifice"]);
    // `Sacrifice` never answers: a caller would wait for it.
    return random.pick(["Echo", "Echo", "Internal"]);
  }

  /** Addresses are loopback, and what is named is not the app's own. */
  #bodyMember(random: Random, name: string): unknown {
    const { sacrificed, sacrificedDeployments } = this.#seeded;
    switch (name) {
      case "uri":
      case "url":
        return random.pick([...LOOPBACK_URIS, `${this.stack.sacrifice.url}/d${random.int(1, 6)}`]);
      case "arn":
        return "no-arn";
      case "assumeRoleArn":
      case "assume_role_arn":
        return undefined;
      case "bootstrap.servers":
        return "127.0.0.1:1";
      case "properties":
        return { "bootstrap.servers": "127.0.0.1:1" };
      case "deployment":
        return random.pick(["latest", "keep", ...sacrificedDeployments]);
      case "ids":
      case "invocationIds":
        return Array.from({ length: random.int(1, 5) }, () => random.pick(sacrificed));
      case "http11":
      case "useHttp11":
        return true;
      case "sink":
        return random.pick(["service://Sacrifice/run", "service://Nope/x"]);
      case "source":
        return "kafka://cluster-1/topic";
      case "prompt":
      case "note":
        return BODY_CANARY;
      default:
        return undefined;
    }
  }
}

/** The right token of a path: a key of `AGENT_API_KEYS`, or the admin's. */
export function tokenFor(path: string): string {
  return path.startsWith("/admin") ? SECRETS.ADMIN_TOKEN : SECRETS.AGENT_API_KEYS;
}
