export { canaryControllerService, type RunningCanaryController } from "./canary-controller-service.ts";
export {
  CanaryControllerSettings,
  type CanaryControllerSettingsInput,
  canaryControllerSettings,
} from "./settings.ts";
