export { GatewayStartError, gatewayService, type RunningGateway } from "./gateway-service.ts";
export { GatewaySettings, type GatewaySettingsInput, gatewaySettings } from "./settings.ts";
