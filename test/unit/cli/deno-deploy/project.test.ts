import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mainUrlIn, versionUrlIn } from "../../../../cli/deno-deploy/addresses.ts";
import { type App, appSchema, type Asset } from "../../../../cli/deno-deploy/api-shapes.ts";
import { type DenoConfig, parseJsonc, readDenoConfig } from "../../../../cli/deno-deploy/deno-config.ts";
import { appConfigOf, entrypointOf, MAIN_MODULE, withMainModule } from "../../../../cli/deno-deploy/main-module.ts";
import { settingsOf } from "../../../../cli/deno-deploy/settings.ts";

const file = (content = ""): Asset => ({ kind: "file", encoding: "utf-8", content });
const app = (more: object = {}): App => appSchema.parse({ id: "1", slug: "desk", ...more });
const config = (deploy?: object): DenoConfig => ({
  file: "deno.json",
  all: { deploy },
  deploy: deploy as DenoConfig["deploy"],
});

test("JSON with comments is read, and what looks like one in a text stays", () => {
  expect(parseJsonc('{ // a\n "url": "https://a/*b*/", /* c */ "list": [1, 2,], }')).toEqual({
    url: "https://a/*b*/",
    list: [1, 2],
  });
  expect(parseJsonc('{"a": ",]"}')).toEqual({ a: ",]" });
  expect(parseJsonc("{")).toBeUndefined();
});

test("deno.json that cannot be read is named; a folder without one has none", async () => {
  const folder = await mkdtemp(join(tmpdir(), "deno-config-"));
  try {
    expect(await readDenoConfig(folder)).toBeUndefined();
    await writeFile(join(folder, "deno.jsonc"), '{ "deploy": { "app": "desk" } /* ours */ }');
    expect(await readDenoConfig(folder)).toMatchObject({ file: "deno.jsonc", deploy: { app: "desk" } });
    await writeFile(join(folder, "deno.json"), '{ "deploy": { "app": 7 } }');
    await expect(readDenoConfig(folder)).rejects.toMatchObject({ code: "deno-config-invalid" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the module to serve: what deno.json names, then the app, then where it usually is", () => {
  const assets = { "entry/deno.ts": file(), "main.ts": file(), "serve.ts": file() };
  const named = { runtime: { entrypoint: "./serve.ts" } };
  expect(entrypointOf(assets, config(named), app({ config: { runtime: { entrypoint: "main.ts" } } }))).toBe("serve.ts");
  expect(entrypointOf(assets, undefined, app({ config: { runtime: { entrypoint: "main.ts" } } }))).toBe("main.ts");
  // Left there by an earlier deployment.
  expect(entrypointOf(assets, undefined, app({ config: { runtime: { entrypoint: MAIN_MODULE } } }))).toBe(
    "entry/deno.ts",
  );
  expect(entrypointOf({ "main.ts": file() }, undefined, app())).toBe("main.ts");
  expect(() => entrypointOf({}, config(named), app())).toThrow(
    expect.objectContaining({ code: "deno-entrypoint-missing" }),
  );
});

test("the version stands in a module of its own, which runs before the project's", () => {
  const assets = withMainModule({ "main.ts": file() }, undefined, "main.ts", "1a2b");
  expect(assets["restate-edge-agents.version.ts"]?.content).toContain('Deno.env.set("APP_VERSION", "1a2b");');
  const imports = assets[MAIN_MODULE]?.content.match(/from "[^"]+"|import "[^"]+"/g);
  expect(imports).toEqual(['import "./restate-edge-agents.version.ts"', 'from "./main.ts"']);
});

test("what deno.json says of the build is kept, but for the module that runs", () => {
  const deploy = { app: "desk", build: "deno task build", runtime: { entrypoint: "./main.ts", memory_limit: 1_024 } };
  const assets = withMainModule({ "deno.json": file("{}") }, config(deploy), "main.ts", "1a2b");
  expect(JSON.parse(assets["deno.json"]?.content ?? "")).toEqual({
    deploy: {
      ...deploy,
      install: "deno install",
      runtime: { type: "dynamic", entrypoint: MAIN_MODULE, memory_limit: 1_024 },
    },
  });
  expect(appConfigOf(config(deploy), app({ config: { install: "npm ci" } }))).toEqual({
    install: "npm ci",
    build: "deno task build",
    predeploy: undefined,
    runtime: { type: "dynamic", entrypoint: MAIN_MODULE },
  });
  expect(() => appConfigOf(config({ framework: "fresh" }), app())).toThrow(
    expect.objectContaining({ code: "deno-framework" }),
  );
});

test("a version gets the app's variables and layers; secrets come from a layer or a file", () => {
  const env_vars = [
    { key: "MODEL", value: "gpt", contexts: "all" },
    { key: "APP_VERSION", value: "old" },
    { key: "TOKEN", secret: true, contexts: ["production"] },
    { key: "LOCAL_TOKEN", secret: true, contexts: ["development"] },
  ];
  const desk = app({ env_vars, layers: [{ id: "l1", slug: "shared" }] });
  expect(() => settingsOf(desk, {})).toThrow(
    expect.objectContaining({ code: "deno-secrets-missing", message: expect.stringMatching(/of TOKEN$/) as string }),
  );
  expect(settingsOf(desk, { TOKEN: "t", MODEL: "m" })).toEqual({
    variables: [],
    secrets: [
      { key: "TOKEN", value: "t", secret: true, contexts: ["production"] },
      { key: "MODEL", value: "m", secret: true, contexts: ["production"] },
    ],
    layers: ["l1"],
  });
  expect(settingsOf(desk, { TOKEN: "t" }).variables).toEqual([
    { key: "MODEL", value: "gpt", secret: false, contexts: "all" },
  ]);
});

test("addresses are those of production: a domain of one's own goes first, a version has none", () => {
  const timeline = (slug: string, ...domains: string[]) => ({
    context: { slug },
    domains: domains.map((domain) => ({ domain })),
  });
  const all = [
    timeline("development", "desk-1a2b3c4d--x.acme.deno.net"),
    timeline("production", "desk.acme.deno.net", "desk.example.com"),
  ];
  expect(mainUrlIn(all)).toBe("https://desk.example.com");
  expect(versionUrlIn([timeline("production", "desk-1a.acme.deno.net")], "desk-1a")).toBe(
    "https://desk-1a.acme.deno.net",
  );
  expect(versionUrlIn([timeline("development", "desk-1a.acme.deno.net")], "desk-1a")).toBeUndefined();
  expect(mainUrlIn([])).toBeUndefined();
});
