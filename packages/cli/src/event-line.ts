import type { ReleaseEvent } from "@sluice/contracts";
import { eventSentence } from "@sluice/release/event-sentence";
import { printable } from "./printable.ts";

/** One event as a person would tell it, on one line of a terminal. */
export const eventLine = (event: ReleaseEvent): string => printable(eventSentence(event));
