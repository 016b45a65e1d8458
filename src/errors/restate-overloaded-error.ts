import { RestateUnreachableError } from "./restate-unreachable-error.ts";

/** Restate refused a request because it has too much to do; it has not begun anything. */
export class RestateOverloadedError extends RestateUnreachableError {
  override name = "RestateOverloadedError";

  constructor(door: "ingress" | "admin", retryAfterSeconds?: number) {
    super({
      door,
      message: `Restate's ${door} is overloaded; try again`,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
}
