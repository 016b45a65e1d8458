import { defineConfig } from "nitro";

export default defineConfig({
  modules: ["workflow/nitro"],
  preset: "node_server",
  compatibilityDate: "2026-10-01",
  serverDir: "./server",
  output: { dir: process.env.BENCH_OUTPUT ?? ".output" },
});
