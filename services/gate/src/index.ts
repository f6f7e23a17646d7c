export { gateService, type RunningGate } from "./application/gate-service.ts";
export { GateSettings, type GateSettingsInput, gateSettings } from "./settings.ts";
