export * from "./release-log.ts";
