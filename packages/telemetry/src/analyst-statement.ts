import * as Schema from "effect/Schema";

/** A statement of an analyst, as ClickHouse's own clients send it. */
export interface AnalystStatement {
  readonly sql: string;
  /** Used where the statement itself says none. */
  readonly format: string;
  /** Values of `{name:Type}` in the statement, as text. */
  readonly parameters: Readonly<Record<string, string>>;
  /** How the answer is written: `output_format_…` and `date_time_output_format` alone. */
  readonly outputSettings: Readonly<Record<string, string>>;
  /** Only this team's releases; null: everybody's. */
  readonly team: string | null;
}

export interface AnalystAnswer {
  readonly format: string;
  readonly bytes: Uint8Array;
}

/** The statement is not answered, with ClickHouse's code and name for why: its clients know those. */
export class StatementRefused extends Schema.TaggedError<StatementRefused>()("StatementRefused", {
  code: Schema.Int,
  name: Schema.String,
  message: Schema.String,
}) {}

export const refuse = (code: number, name: string, message: string) => new StatementRefused({ code, name, message });
export const readOnlyHere = (message: string) => refuse(164, "READONLY", message);
