export * from "./behaviour.ts";
export * from "./chance.ts";
export * from "./eval-run.ts";
export * from "./model-server.ts";
export * from "./task.ts";
export * from "./users.ts";
export * from "./webhook-receiver.ts";
