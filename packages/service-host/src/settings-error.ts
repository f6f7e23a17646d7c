import * as Schema from "effect/Schema";

/** One sentence: what is wrong with the settings, and where. */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", { message: Schema.String }) {}
