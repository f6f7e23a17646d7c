export * from "./artifact-store.ts";
