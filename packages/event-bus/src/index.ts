export * from "./event-bus.ts";
export * from "./memory-event-bus.ts";
export * from "./postgres-event-bus.ts";
export * from "./record.ts";
