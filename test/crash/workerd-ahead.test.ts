import { workerTrials } from "./workerd-trials.ts";

workerTrials({ title: "steps may run ahead", window: true, moments: 30, restarts: 6 });
