/** Counts what the server is asked by itself: the deliveries of the local world's queue. */
import { definePlugin } from "nitro";

export const counts = { requests: 0, uploadedBytes: 0 };

export default definePlugin((app) => {
  app.hooks.hook("request", ({ req }) => {
    if (!req.url.includes("/.well-known/workflow/")) return;
    counts.requests += 1;
    counts.uploadedBytes += Number(req.headers.get("content-length") ?? 0);
  });
});
