import { workerTrials } from "./workerd-trials.ts";

workerTrials({ title: "each step waits for its acknowledgement", window: false, moments: 10, restarts: 3 });
