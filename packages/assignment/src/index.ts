export * from "./assign-arm.ts";
export * from "./bucket-of.ts";
export * from "./cluster-key.ts";
