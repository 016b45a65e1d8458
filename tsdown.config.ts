import { dirname, join } from "node:path";
import { defineConfig, type Rolldown, type UserConfig } from "tsdown";
import { buildPage } from "./cli/page/build-page.ts";

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
  platform: "neutral",
  target: "es2024",
  unbundle: true,
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  tsconfig: "tsconfig.build.json",
  // The importing package's conditions choose the SDK (package.json "imports"), so the choice must not be made here.
  deps: { neverBundle: ["#restate", /^node:/] },
} satisfies UserConfig;

/** What `init` makes a project from. It is published in the same folders. */
const TEMPLATE = ["agents", "entry", "cli/init/template", "wrangler.toml", ".dev.vars.example", ".github/workflows"];

/** knip reads `entry` as it is written here. */
const library = {
  entry: [
    "src/index.ts",
    "routes/index.ts",
    "src/admin/index.ts",
    "src/client/index.ts",
    "src/stream/stream-keeper.ts",
    "src/testing/index.ts",
  ],
} satisfies UserConfig;

/**
 * Builds what is published: the library and the tool together, because of a module that both use each alone would keep
 * only what it uses itself; then the library's declarations.
 */
export default defineConfig([
  {
    ...common,
    entry: [...library.entry, "cli/main.ts"],
    dts: false,
    hooks: { "build:prepare": () => buildPage() },
    copy: ({ outDir }) => [
      ...TEMPLATE.map((path) => ({ from: path, to: join(outDir, "template", dirname(path)) })),
      // The playground's page, from where the apps that `init` makes take it.
      { from: "web/dist", to: outDir, rename: "web" },
    ],
  },
  { ...common, ...library, dts: { emitDtsOnly: true }, clean: false, plugins: [plainSdkTypes] },
]);
