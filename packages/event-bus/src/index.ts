export * from "./event-bus.ts";
export * from "./memory-event-bus.ts";
export * from "./record.ts";
