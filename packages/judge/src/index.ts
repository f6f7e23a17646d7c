export * from "./judge.ts";
export * from "./refusal.ts";
