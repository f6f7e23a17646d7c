import { nowMs } from "../clock.ts";
import { duration, localTime } from "../domain/words.ts";

/** How long it has been so; goes on by itself. */
export const Since = ({ at }: { readonly at: string }) => (
  <time dateTime={at} title={localTime(at)}>
    {duration(nowMs.value - Date.parse(at))}
  </time>
);

export const At = ({ at }: { readonly at: string }) => (
  <time dateTime={at} title={at}>
    {localTime(at)}
  </time>
);
