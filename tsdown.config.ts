import { dirname } from "node:path";
import { defineConfig, type Rolldown, type UserConfig } from "tsdown";

/**
 * Declarations name the plain SDK: the types are its own in both builds, and a reader of declarations need not know
 * import conditions.
 */
const plainSdkTypes: Rolldown.Plugin = {
  name: "plain-sdk-types",
  renderChunk: (code, chunk) =>
    chunk.fileName.endsWith(".d.ts") ? code.replaceAll('"#restate"', '"@restatedev/restate-sdk/fetch"') : null,
};

/** One file per source file, so that stack traces and bundlers see the same modules. */
const common = {
  outDir: "dist",
  root: ".",
  format: "esm",
  target: "es2024",
  unbundle: true,
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  tsconfig: "tsconfig.build.json",
  // The importing package's conditions choose the SDK (package.json "imports"), so the choice must not be made here.
  deps: { neverBundle: ["#restate", /^node:/] },
} satisfies UserConfig;

/** What `init` makes a project from. It is published in the same folders. */
const TEMPLATE = ["agents", "entry", "cli/init/template", "wrangler.toml", ".dev.vars.example"];

/** Builds what is published: the library, and the tool for Node with the files of a new project. */
export default defineConfig([
  {
    ...common,
    entry: ["src/index.ts", "routes/index.ts", "src/admin/index.ts", "src/client/index.ts", "src/testing/index.ts"],
    platform: "neutral",
    dts: true,
    plugins: [plainSdkTypes],
  },
  {
    ...common,
    entry: ["cli/main.ts"],
    platform: "node",
    dts: false,
    // The modules that both builds share are the same in both.
    clean: false,
    copy: TEMPLATE.map((path) => ({ from: path, to: `dist/template/${dirname(path)}` })),
  },
]);
