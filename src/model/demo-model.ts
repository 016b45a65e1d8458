export const demoModel = undefined; // placeholder
