export * from "./channel.ts";
export * from "./channel-settings.ts";
export * from "./channels-file.ts";
export * from "./channels-pager.ts";
export * from "./configured-channels.ts";
export * from "./log-channel.ts";
export * from "./memory-pager.ts";
export * from "./pager.ts";
