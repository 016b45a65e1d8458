/** `deploy`, with real wrangler, a real restate-server and workerd. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeployWorld } from "./deploy-world.ts";

let world: DeployWorld;
beforeAll(async () => {
  world = await DeployWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

test("the first deploy creates the Worker, and everything is on its version", async () => {
  await world.change();
  const { code, log } = await world.run();
  console.log(log);
  expect(code, log).toBe(0);
  const { promoted, latest, main, tags } = await world.live();
  expect(tags).toHaveLength(1);
  expect(latest).toEqual([promoted]);
  expect(main).toBe(promoted);
});
