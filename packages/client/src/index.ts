export type { AssignedBundle, Assignment, Source } from "./domain/assign.ts";
export type { Snapshot } from "./domain/snapshot.ts";
export type { Measured } from "./observation-reporter.ts";
export { ClientSettings, type ClientSettingsInput } from "./settings.ts";
export { type OpenOptions, openSluiceClient, type RequestKeys, type SluiceClient } from "./sluice-client.ts";
