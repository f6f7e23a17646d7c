export { type RunningShadowJudge, shadowJudgeService } from "./application/shadow-judge-service.ts";
export { decideShadow, type ShadowDecision, type ShadowFacts } from "./domain/decide-shadow.ts";
export { type EvaluatedShadow, replayShadow } from "./domain/evaluate-shadow.ts";
export { ShadowJudgeSettings, type ShadowJudgeSettingsInput, shadowJudgeSettings } from "./settings.ts";
