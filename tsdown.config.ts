import { defineConfig, type Rolldown } from "tsdown";

/**
 * Declarations name the plain SDK: the types are its own in both builds, and a reader of declarations need not know
 * import conditions.
 */
const plainSdkTypes: Rolldown.Plugin = {
  name: "plain-sdk-types",
  renderChunk: (code, chunk) =>
    chunk.fileName.endsWith(".d.ts") ? code.replaceAll('"#restate"', '"@restatedev/restate-sdk/fetch"') : null,
};

/** Builds what is published: one file per source file, so that stack traces and bundlers see the same modules. */
export default defineConfig({
  entry: ["src/index.ts", "routes/index.ts", "src/admin/index.ts", "src/client/index.ts", "src/testing/index.ts"],
  outDir: "dist",
  root: ".",
  format: "esm",
  platform: "neutral",
  target: "es2024",
  unbundle: true,
  dts: true,
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  tsconfig: "tsconfig.build.json",
  // The importing package's conditions choose the SDK (package.json "imports"), so the choice must not be made here.
  plugins: [plainSdkTypes],
  deps: { neverBundle: ["#restate"] },
});
