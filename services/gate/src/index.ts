export { gateService, type RunningGate } from "./gate-service.ts";
export { GateSettings, type GateSettingsInput, gateSettings } from "./settings.ts";
