export { ListenError, type RunningRegistry, registryService } from "./registry-service.ts";
export { RegistrySettings, type RegistrySettingsInput, registrySettings, TokenGrant } from "./settings.ts";
