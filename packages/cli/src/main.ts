import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { codeOf, commandLine } from "./command-line.ts";
import { exitCodes } from "./exit.ts";

NodeRuntime.runMain(commandLine(process.argv.slice(2)), {
  disableErrorReporting: true,
  teardown: (exit, done) => done(exit._tag === "Success" ? exitCodes.passed : codeOf(exit.cause)),
});
