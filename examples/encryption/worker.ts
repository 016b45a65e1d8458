import { createEdgeApp } from "../../routes/index.ts";
import { vault } from "./agent.ts";

// The setting JOURNAL_KEYS is enough; `encryption: journalEncryption({ keys, plaintext, failures })` says more.
export default createEdgeApp({ services: [vault], publicServices: [vault], name: "vault" });
