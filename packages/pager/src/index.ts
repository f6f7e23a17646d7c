export * from "./escalating-pager.ts";
export * from "./log-pager.ts";
export * from "./memory-pager.ts";
export * from "./page-format.ts";
export * from "./pager.ts";
export * from "./webhook-pager.ts";
