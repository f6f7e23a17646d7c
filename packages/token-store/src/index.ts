export * from "./memory-token-store.ts";
export * from "./postgres-token-store.ts";
export * from "./token-store.ts";
