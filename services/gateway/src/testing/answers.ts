import * as Schema from "effect/Schema";

const ErrorAnswer = Schema.Struct({
  error: Schema.Struct({
    message: Schema.String,
    type: Schema.String,
    code: Schema.NullOr(Schema.String),
    param: Schema.NullOr(Schema.String),
  }),
});

const ChatAnswer = Schema.Struct({
  choices: Schema.Array(Schema.Struct({ message: Schema.Struct({ content: Schema.String }) })),
});

/** The error of an answer that is in OpenAI's form; throws when it is not. */
export const errorOf = async (response: Response) => Schema.decodeUnknownSync(ErrorAnswer)(await response.json()).error;

export const chatAnswerOf = async (response: Response) => Schema.decodeUnknownSync(ChatAnswer)(await response.json());
