/** Public names of restate-edge-agents/routes. */
export { createEdgeApp } from "./app.ts";
export type { EdgeAppOptions } from "./app.ts";
export { PROBLEM_CODES } from "./problem.ts";
export type { ProblemCode } from "./problem.ts";
