export * from "./calibration/calibrate-judge.ts";
export * from "./calibration/cohens-kappa.ts";
export * from "./calibration/labelled-pair.ts";
export * from "./deterministic-judge.ts";
export * from "./judge.ts";
export * from "./judge-error.ts";
export * from "./judge-settings.ts";
export * from "./refusal.ts";
