/**
 * Which of Restate's two protocol modes the running request is served in. Only the endpoint knows: it announced the
 * mode when it was registered.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Driver, requestResponseDriver, sdkDriver } from "./driver.ts";

const storage = new AsyncLocalStorage<"request-response">();

/** Runs `action`, which serves one request, in request-response mode: handlers in it may run ahead (run-ahead.ts). */
export function inRequestResponse<T>(action: () => T): T {
  return storage.run("request-response", action);
}

/** The driver for the running request. */
export function currentDriver(): Driver {
  return storage.getStore() === undefined ? sdkDriver : requestResponseDriver;
}
