import { Database, type DatabaseError, type Migration, migrate } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schedule from "effect/Schedule";
import { type AskedQuestion, type Decided, JudgeMemory } from "./judge-memory.ts";

const migrations: ReadonlyArray<Migration> = [
  {
    name: "judge/1-memory",
    sql: `
      create table judge_memory (
        judge text not null, question text not null, decided jsonb not null,
        decided_at timestamptz not null default now(), primary key (judge, question));
      create index judge_memory_by_age on judge_memory (decided_at);`,
  },
];

export interface MemoryBounds {
  /** As long as texts of requests are kept at the most. */
  readonly days: number;
  readonly rows: number;
}
const standardBounds: MemoryBounds = { days: 30, rows: 1_000_000 };

const forgetOld = `delete from judge_memory where decided_at < now() - make_interval(days => $1)`;
/** By key: several may have come in one instant, and all of them would go with the oldest. */
const forgetSurplus = `delete from judge_memory where (judge, question) in
  (select judge, question from judge_memory order by decided_at desc offset $1)`;

/** In a table of the shared database, bounded by age and number on opening and once an hour. */
export const layerPostgres = (
  bounds: MemoryBounds = standardBounds,
): Layer.Layer<JudgeMemory, DatabaseError, Database> =>
  Layer.effect(
    JudgeMemory,
    Effect.gen(function* () {
      const db = yield* Database;
      yield* migrate(db, migrations);
      const forget = Effect.andThen(db.query(forgetOld, [bounds.days]), db.query(forgetSurplus, [bounds.rows]));
      yield* Effect.forkScoped(
        Effect.repeat(
          Effect.catch(forget, (error) => goesOnWithout(error)),
          Schedule.spaced("1 hour"),
        ),
      );
      const recall = ({ judge, question }: AskedQuestion) =>
        db
          .query<{ decided: Decided }>("select decided from judge_memory where judge = $1 and question = $2", [
            judge,
            question,
          ])
          .pipe(
            Effect.map(([row]) => Option.fromUndefinedOr(row?.decided)),
            Effect.catch((error) => Effect.as(goesOnWithout(error), Option.none<Decided>())),
          );
      const keep = ({ judge, question }: AskedQuestion, decided: Decided) =>
        db
          .query("insert into judge_memory (judge, question, decided) values ($1, $2, $3) on conflict do nothing", [
            judge,
            question,
            JSON.stringify(decided),
          ])
          .pipe(
            Effect.asVoid,
            Effect.catch((error) => goesOnWithout(error)),
          );
      return JudgeMemory.of({ recall, keep });
    }),
  );

const goesOnWithout = (error: DatabaseError) =>
  Effect.logWarning(`judges go on without their memory: ${error.message}`);
