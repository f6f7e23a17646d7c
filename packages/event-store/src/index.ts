export * from "./chain.ts";
export * from "./event-store.ts";
export * from "./memory-event-store.ts";
