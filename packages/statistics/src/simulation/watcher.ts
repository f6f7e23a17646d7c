import type { Minute } from "./minute.ts";

/** A method that looks at a rollout after every minute; true once it alarms. */
export type Watcher = {
  readonly look: (minute: Minute) => boolean;
};

export type Method = {
  readonly name: string;
  /** `conversation`: counts each conversation once; `request`: counts every request, as the method does in the field. */
  readonly unit: "request" | "conversation";
  readonly start: (plan: {
    readonly alpha: number;
    readonly shares: ReadonlyArray<number>;
    readonly perMinute: number;
    readonly seed: number;
  }) => Watcher;
};
