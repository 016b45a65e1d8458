/** Builds the playground into `web/dist`: a page, and files whose names change with what is in them. */
import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const config: UserConfig = defineConfig({
  root: here("."),
  base: "/",
  publicDir: here("public"),
  build: {
    outDir: here("dist"),
    assetsDir: "playground",
    // `.assetsignore` is kept in the repository, so that the folder is always there.
    emptyOutDir: false,
    target: "es2023",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
    reportCompressedSize: false,
  },
});

export default config;
