export * from "./build-passport.ts";
export * from "./statements.ts";
export * from "./verify-passport.ts";
