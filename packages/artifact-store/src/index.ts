export * from "./artifact-store.ts";
export * from "./memory-artifact-store.ts";
export * from "./postgres-artifact-store.ts";
export * from "./s3-artifact-store.ts";
