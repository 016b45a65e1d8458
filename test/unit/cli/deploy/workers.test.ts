import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { hashModules, requireOneSdk, sdksIn } from "../../../../cli/cloudflare/bundle.ts";
import { assetsHash, fingerprintOf, stableJson, tagOf } from "../../../../cli/cloudflare/fingerprint.ts";
import { chooseStrategy } from "../../../../cli/cloudflare/strategy.ts";
import {
  addressInTargets,
  addressOfOther,
  fromTemplate,
  ownAddress,
  requireAddressOfVersion,
} from "../../../../cli/cloudflare/version-address.ts";
import { problemsOf, requireNoProblem, type WorkerFacts } from "../../../../cli/cloudflare/worker-checks.ts";
import { ToolError } from "../../../../cli/tool/tool-error.ts";

const VERSION = "1a2b3c4d-0000-4000-8000-000000000000";
const OTHER = "5e6f7a8b-0000-4000-8000-000000000000";

describe("addresses of versions", () => {
  const targets = ["schedule: 0 * * * *", "example.com/*", "https://agents.acme.workers.dev"];

  test("are below workers.dev, with the version's prefix", () => {
    expect(addressInTargets(targets, "agents", VERSION)).toBe("https://1a2b3c4d-agents.acme.workers.dev");
  });

  test("are unknown when the Worker is on other domains alone, or is another one", () => {
    expect(addressInTargets(["https://agents.example.com"], "agents", VERSION)).toBeUndefined();
    expect(addressInTargets(targets, "agent", VERSION)).toBeUndefined();
    expect(addressInTargets([undefined, 4], "agents", VERSION)).toBeUndefined();
  });

  test("lead to the Worker's own and to other versions'", () => {
    const url = "https://1a2b3c4d-agents.acme.workers.dev";
    expect(ownAddress(url, "agents", VERSION)).toBe("https://agents.acme.workers.dev");
    expect(ownAddress("https://agents.acme.workers.dev", "agents", VERSION)).toBeUndefined();
    expect(addressOfOther(url, "agents", VERSION, OTHER)).toBe("https://5e6f7a8b-agents.acme.workers.dev");
    expect(addressOfOther("https://v.example.com", "agents", VERSION, OTHER)).toBeUndefined();
  });

  test("fill a template", () => {
    const template = "https://{prefix}-{worker}.example.com/{version}";
    expect(fromTemplate(template, "agents", VERSION)).toBe(`https://1a2b3c4d-agents.example.com/${VERSION}`);
  });

  test("differ from version to version, whatever the template", () => {
    const codeOf = (template: string, strategy: "version-url" | "worker-per-version"): string => {
      try {
        requireAddressOfVersion(template, strategy);
        return "fine";
      } catch (error) {
        return error instanceof ToolError ? `${error.code} ${error.exitCode}` : "unexpected";
      }
    };
    expect(codeOf("https://{prefix}-{worker}.example.com", "version-url")).toBe("fine");
    expect(codeOf("https://example.com/{version}", "version-url")).toBe("fine");
    expect(codeOf("https://{worker}.example.com", "worker-per-version")).toBe("fine");
    expect(codeOf("https://{worker}.example.com", "version-url")).toBe("version-url 2");
    expect(codeOf("https://agents.example.com", "version-url")).toBe("version-url 2");
    expect(codeOf("https://agents.example.com", "worker-per-version")).toBe("version-url 2");
    expect(codeOf("https://{prefix}.exa mple.com", "version-url")).toBe("version-url 2");
  });
});

describe("a fingerprint", () => {
  const parts = { bundle: "b", config: { a: 1, b: { c: 2, d: [3, { e: 4, f: 5 }] } }, secrets: ["X", "Y"] };

  test("is the same whatever the order of settings and secrets", () => {
    const config = { b: { d: [3, { f: 5, e: 4 }], c: 2 }, a: 1 };
    expect(fingerprintOf({ ...parts, config, secrets: ["Y", "X", "X"] })).toBe(fingerprintOf(parts));
  });

  test("is another one with other code, settings, secrets, or another strategy", () => {
    const others = [
      fingerprintOf({ ...parts, bundle: "c" }),
      fingerprintOf({ ...parts, config: { a: 2 } }),
      fingerprintOf({ ...parts, secrets: ["X"] }),
      fingerprintOf({ ...parts, more: ["worker-per-version"] }),
    ];
    expect(new Set([fingerprintOf(parts), ...others])).toHaveLength(5);
  });

  test("fits into a tag of Cloudflare's", () => {
    expect(tagOf(fingerprintOf(parts))).toMatch(/^fp-[0-9a-f]{20}$/);
    expect(tagOf(fingerprintOf(parts)).length).toBeLessThanOrEqual(25);
  });

  test("keeps the order of lists", () => {
    expect(stableJson([2, 1])).toBe("[2,1]");
  });
});

describe("a bundle", () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });
  const folderWith = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "bundle-test-"));
    folders.push(folder);
    await mkdir(join(folder, "lib"));
    for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
    return folder;
  };

  test("has the same hash with other source maps, and another one with other code or names", async () => {
    const code = { "worker.js": "1", "lib/sdk.wasm": "2" };
    const hashes = await Promise.all(
      [
        { ...code, "worker.js.map": "a", "README.md": "at noon", "bundle-meta.json": "{}" },
        { ...code, "worker.js.map": "b" },
        { ...code, "worker.js": "3" },
        { "worker.js": "1", "lib/other.wasm": "2" },
        { "worker.js": "12", "lib/sdk.wasm": "" },
      ].map(async (files) => (await hashModules(await folderWith(files))).hash),
    );
    expect(hashes[0]).toBe(hashes[1]);
    expect(new Set(hashes)).toHaveLength(4);
  });

  test("comes with files that are served as they are, and have a hash too", async () => {
    const hashOf = async (text: string, config: object = { assets: { directory: "./lib" } }) => {
      const folder = await folderWith({ "lib/index.html": text });
      return assetsHash({ folder, configPath: join(folder, "wrangler.toml"), environment: undefined, worker }, config);
    };
    const [one, same, other, none] = await Promise.all([hashOf("a"), hashOf("a"), hashOf("b"), hashOf("a", {})]);
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
    expect(none).toBeUndefined();
  });

  const meta = (inputs: Readonly<Record<string, number>>): string =>
    JSON.stringify({
      outputs: {
        "worker.js.map": {},
        "worker.js": {
          inputs: Object.fromEntries(Object.entries(inputs).map(([path, bytes]) => [path, { bytesInOutput: bytes }])),
        },
      },
    });
  const SDK = "node_modules/@restatedev/restate-sdk-cloudflare-workers";

  test("with one Restate SDK is fine", () => {
    const sdks = sdksIn(meta({ [`${SDK}/dist/a.js`]: 1, [`${SDK}/dist/b.js`]: 1, [`${SDK}-core/c.js`]: 1 }));
    expect(sdks).toEqual([SDK]);
    requireOneSdk({ hash: "", bytes: 0, sdks });
  });

  test("does not have what was shaken out of it", () => {
    expect(sdksIn(meta({ "node_modules/@restatedev/restate-sdk/dist/a.js": 0 }))).toEqual([]);
  });

  test("with two of them is refused, also with two copies of the same", () => {
    const copy = "node_modules/other/node_modules/@restatedev/restate-sdk-cloudflare-workers";
    const sdks = sdksIn(meta({ [`${SDK}/dist/a.js`]: 1, [`${copy}/dist/a.js`]: 1 }));
    expect(sdks).toHaveLength(2);
    expect(() => requireOneSdk({ hash: "", bytes: 0, sdks })).toThrow(/2 Restate SDKs/);
  });
});

const worker: WorkerFacts["worker"] = {
  name: "agents",
  main: "worker.ts",
  compatibilityDate: "2026-10-01",
  compatibilityFlags: [],
  vars: { RESTATE_IDENTITY_KEYS: "publickeyv1_ChjENKeMvCtRnqG2mrBK1HmPKufgFUc98K8B3ononQvp" },
  requiredSecrets: [],
  workersDev: undefined,
  previewUrls: undefined,
  hasDurableObjects: false,
  versionMetadata: "CF_VERSION_METADATA",
  observability: true,
  customDomains: [],
};

describe("the strategy", () => {
  test("is version URLs, unless something needs a Worker for each version", () => {
    expect(chooseStrategy({ logs: false }, worker)).toEqual({ strategy: "version-url" });
    expect(chooseStrategy({ logs: true }, worker)).toMatchObject({
      strategy: "worker-per-version",
      reason: expect.stringContaining("Workers Logs") as string,
    });
    expect(chooseStrategy({ logs: false }, { ...worker, hasDurableObjects: true })).toMatchObject({
      strategy: "worker-per-version",
      reason: expect.stringContaining("Durable Object") as string,
    });
  });

  test("is refused when it cannot work", () => {
    const asked = { strategy: "version-url", logs: false } as const;
    expect(() => chooseStrategy(asked, { ...worker, hasDurableObjects: true })).toThrow(/Durable Object has none/);
    expect(() => chooseStrategy({ ...asked, logs: true }, worker)).toThrow(/no Workers Logs/);
  });
});

describe("the settings", () => {
  const facts: WorkerFacts = { worker, secrets: [], strategy: "version-url", hasVersionUrl: false, exclusive: [] };
  const codes = (changes: Partial<WorkerFacts>): string[] =>
    problemsOf({ ...facts, ...changes }).map(({ code }) => code);
  const without = (changes: Partial<WorkerFacts["worker"]>): string[] => codes({ worker: { ...worker, ...changes } });

  test("are fine", () => {
    expect(problemsOf(facts)).toEqual([]);
    requireNoProblem([]);
  });

  test("need identity keys in production, in vars or as a secret", () => {
    expect(without({ vars: {} })).toEqual(["identity-keys"]);
    expect(without({ vars: { RESTATE_IDENTITY_KEYS: "" } })).toEqual(["identity-keys"]);
    expect(without({ vars: { RESTATE_IDENTITY_KEYS: "publickeyv1_no" } })).toEqual(["identity-keys"]);
    expect(without({ vars: { ENVIRONMENT: "development" } })).toEqual([]);
    expect(codes({ worker: { ...worker, vars: {} }, secrets: ["RESTATE_IDENTITY_KEYS"] })).toEqual([]);
  });

  test("need the secrets that they require", () => {
    const requiring = { ...worker, requiredSecrets: ["A", "B"] };
    expect(codes({ worker: requiring, secrets: ["A"] })).toEqual(["secrets-missing"]);
    expect(codes({ worker: requiring, secrets: ["A", "B", "C"] })).toEqual([]);
  });

  test("need a compatibility date, and nodejs_compat before it is implied", () => {
    expect(without({ compatibilityDate: undefined })).toEqual(["compatibility-date"]);
    expect(without({ compatibilityDate: "2026-08-03" })).toEqual(["nodejs-compat"]);
    expect(without({ compatibilityDate: "2026-08-03", compatibilityFlags: ["nodejs_compat"] })).toEqual([]);
    expect(without({ compatibilityFlags: ["no_nodejs_compat"] })).toEqual(["nodejs-compat"]);
  });

  test("need URLs for versions, and a version that the app can tell", () => {
    expect(without({ versionMetadata: undefined })).toEqual(["version-metadata"]);
    expect(without({ previewUrls: false })).toEqual(["preview-urls"]);
    expect(without({ workersDev: false })).toEqual(["preview-urls"]);
    expect(without({ workersDev: false, previewUrls: true })).toEqual([]);
    expect(codes({ worker: { ...worker, previewUrls: false }, hasVersionUrl: true })).toEqual([]);
  });

  test("may not let each version's Worker take over what only one can have", () => {
    const strategy = "worker-per-version";
    expect(codes({ strategy, exclusive: ["routes"] })).toEqual(["exclusive-settings"]);
    expect(codes({ exclusive: ["routes"] })).toEqual([]);
    expect(codes({ strategy, worker: { ...worker, workersDev: false } })).toEqual(["workers-dev"]);
  });

  test("are refused with all problems at once", () => {
    const problems = problemsOf({ ...facts, worker: { ...worker, vars: {}, versionMetadata: undefined } });
    expect(() => requireNoProblem(problems)).toThrow(/RESTATE_IDENTITY_KEYS[\s\S]*version_metadata/);
  });
});
