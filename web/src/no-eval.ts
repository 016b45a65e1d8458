/**
 * The AI SDK checks what streams in with zod, which would try to compile its checks: the page's policy forbids that. This
 * module comes before all others, because some of them try it as soon as they load.
 */
import { config } from "zod/v4/core";

config({ jitless: true });
