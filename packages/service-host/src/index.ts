export * from "./environment-layers.ts";
export * from "./kafka-environment.ts";
export * from "./launch.ts";
export * from "./operations.ts";
export * from "./reachable.ts";
export * from "./read-settings.ts";
export * from "./release-metrics.ts";
export * from "./settings-error.ts";
