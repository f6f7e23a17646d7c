/** An answer other than 2xx. HTTP status exists in this folder only. */
export class HttpFailure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, sentence: string) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}
