export * from "./layered-settings.ts";
export * from "./looser-settings.ts";
