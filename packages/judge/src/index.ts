export * from "./deterministic-judge.ts";
export * from "./judge.ts";
export * from "./judge-error.ts";
export * from "./judge-settings.ts";
export * from "./refusal.ts";
