import * as Command from "effect/cli/Command";
import { auditCommand } from "./verbs/audit.ts";
import { canaryCommand } from "./verbs/canary-replay.ts";
import { deadLettersCommand } from "./verbs/dead-letters.ts";
import { demoCommand } from "./verbs/demo.ts";
import { eraseCommand } from "./verbs/erase.ts";
import { evalCommand } from "./verbs/eval-run.ts";
import { gateCommand } from "./verbs/gate.ts";
import { judgeCommand } from "./verbs/judge-calibrate.ts";
import { kpiCommand } from "./verbs/kpi.ts";
import { migrateCommand } from "./verbs/migrate.ts";
import { pageCommand } from "./verbs/page-test.ts";
import { policyCommand } from "./verbs/policy.ts";
import {
  abortCommand,
  advanceCommand,
  overrideCommand,
  pauseCommand,
  resumeCommand,
  rollbackCommand,
} from "./verbs/release-act.ts";
import { freezeCommand, stopCommand, unfreezeCommand } from "./verbs/release-freeze.ts";
import { listCommand, statusCommand } from "./verbs/release-read.ts";
import { applicationCommand, requestCommand } from "./verbs/release-request.ts";
import { watchCommand } from "./verbs/release-watch.ts";
import { serveCommand } from "./verbs/serve.ts";
import { tokenCommand } from "./verbs/token.ts";
import { upCommand } from "./verbs/up.ts";

const releaseCommand = Command.make("release").pipe(
  Command.withDescription("Request, follow and steer releases"),
  Command.withSubcommands([
    requestCommand,
    statusCommand,
    listCommand,
    watchCommand,
    pauseCommand,
    resumeCommand,
    advanceCommand,
    abortCommand,
    rollbackCommand,
    overrideCommand,
    freezeCommand,
    unfreezeCommand,
  ]),
);

/** The command line: one file per verb under `verbs/`. Heavy parts are loaded by the verb that needs them. */
export const sluice = Command.make("sluice").pipe(
  Command.withDescription("CI/CD for prompts and models: offline gate, shadow, canary, rollback, audit record."),
  Command.withSubcommands([
    gateCommand,
    evalCommand,
    releaseCommand,
    stopCommand,
    applicationCommand,
    auditCommand,
    canaryCommand,
    judgeCommand,
    kpiCommand,
    pageCommand,
    policyCommand,
    tokenCommand,
    upCommand,
    deadLettersCommand,
    eraseCommand,
    migrateCommand,
    serveCommand,
    demoCommand,
  ]),
);
