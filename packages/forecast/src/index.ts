export * from "./forecast-release.ts";
export * from "./recent-traffic.ts";
