export * from "./chain.ts";
export * from "./chain-verifier.ts";
export * from "./event-store.ts";
export * from "./memory-event-store.ts";
export * from "./postgres-event-store.ts";
