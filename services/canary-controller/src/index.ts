export { canaryControllerService, type RunningCanaryController } from "./application/canary-controller-service.ts";
export {
  CanaryControllerSettings,
  type CanaryControllerSettingsInput,
  canaryControllerSettings,
} from "./settings.ts";
