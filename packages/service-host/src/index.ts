export * from "./environment-layers.ts";
export * from "./launch.ts";
export * from "./settings-error.ts";
