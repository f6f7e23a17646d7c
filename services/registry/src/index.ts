export { ListenError, type RunningRegistry, registryService } from "./registry-service.ts";
export { RegistrySettings, type RegistrySettingsInput, registrySettings } from "./settings.ts";
