import { createRoute, z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { problemOf } from "../../../routes/problem.ts";
import { createRouter } from "../../../routes/router.ts";

test("at most 20 validation errors are listed", async () => {
  const router = createRouter().onError(problemOf);
  const body = {
    content: { "application/json": { schema: z.object({ values: z.string().array() }) } },
    required: true,
  };
  const route = createRoute({ method: "post", path: "/x", request: { body }, responses: { 204: { description: "" } } });
  router.openapi(route, (context) => context.body(null, 204));
  const response = await router.request("/x", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ values: Array.from({ length: 1_000 }, () => 1) }),
  });
  expect(response.status).toBe(400);
  expect(((await response.json()) as { errors: unknown[] }).errors).toHaveLength(20);
});
