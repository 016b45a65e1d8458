// `wrangler types` makes this file in an app of yours.
declare namespace Cloudflare {
  interface Env {
    readonly AI: object;
  }
}
