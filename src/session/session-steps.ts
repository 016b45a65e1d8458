/** Names of the journaled steps of a session. Part of the contract with journals that are being replayed. */

/** `<service> begin`: the time when the turn began. */
export const beginStepName = (service: string): string => `${service} begin`;

/** `<service> ended`: the time when the run was over. */
export const endedStepName = (service: string): string => `${service} ended`;

/** `<service> end`: the stream is made equal to the journal, and ends. */
export const endStepName = (service: string): string => `${service} end`;

/** `<service> said`: what a model had said when its turn was cancelled. */
export const saidStepName = (service: string): string => `${service} said`;

/** `<service> killed`: the stream of a turn that was killed ends. */
export const killedStepName = (service: string): string => `${service} killed`;

/** `<service> title`: the user's function names the conversation. */
export const titleStepName = (service: string): string => `${service} title`;

/** `<service> compact`: the user's function summarises. */
export const compactStepName = (service: string): string => `${service} compact`;

/** `<service> stop`: a turn is asked to end. */
export const stopStepName = (service: string): string => `${service} stop`;

/** `<service> alive`: does the invocation of the turn still live? */
export const aliveStepName = (service: string): string => `${service} alive`;

/** `<service> sent <n>`: does a turn that was sent go on, or was it one of a conversation that is deleted? */
export const sentStepName = (service: string, n: number): string => `${service} sent ${n}`;

/** `<service> forget`, `<service> forget 2`, …: streams of the conversation are removed, some at a time. */
export const forgetStepName = (service: string, n: number): string =>
  n === 1 ? `${service} forget` : `${service} forget ${n}`;

/** `<agent> inbox <n>`: messages for the running turn. */
export const inboxStepName = (agent: string, n: number): string => `${agent} inbox ${n}`;
