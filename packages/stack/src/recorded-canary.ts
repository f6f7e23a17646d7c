/** The controller's judgement of a canary in retrospect, for who has a recording and no server. */
export { type CanaryReplay, replayCanary } from "@sluice/canary-controller/domain/replay-canary";
export { RecordedRequestLine, recordedRequest } from "@sluice/canary-controller/recorded-request";
