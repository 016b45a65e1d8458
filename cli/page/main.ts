/** `npm run build:web`: the playground's page, for a deployment with PLAYGROUND=on. */
import { buildPage } from "./build-page.ts";

await buildPage({ always: true });
