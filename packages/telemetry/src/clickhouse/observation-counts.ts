import { CLIENT_GONE_STATUS } from "../windows.ts";

/**
 * A client that left before its answer: nothing is known of the arm, neither an answer nor an error, and the time until it
 * left is no latency. So the request counts for no rate; only its conversation was assigned, and with the right bundle or not.
 * (An upstream that answers 499 itself has an error class, and is an error.)
 */
export const abandoned = `(status = ${CLIENT_GONE_STATUS} AND error_class = '')`;
/** The answer came, whatever it says. */
export const hasAnswer = `error_class = '' AND NOT ${abandoned}`;

/** The counts of a group of observations; the rollup holds them under the same names. */
export const observationCounts = `toUInt32(countIf(NOT ${abandoned})) AS requests,
    toUInt32(countIf(error_class != '')) AS errors,
    toUInt32(countIf(${hasAnswer} AND refused IS NOT NULL)) AS answered,
    toUInt32(countIf(${hasAnswer} AND refused = true)) AS refusals,
    toUInt32(countIf(is_wrong_digest)) AS wrong_digest,
    sumMapIf([latency_bin], [toUInt32(1)], ${hasAnswer}) AS bins`;

/** What became of a request, as a number: those below FAILED were answered, and have a latency. */
export const [ANSWERED, REFUSED, UNKNOWN, FAILED, ABANDONED] = [0, 1, 2, 3, 4];
const BINS = 1_024;
/** Numbers that an outcome may be. */
export const OUTCOMES = 8 * BINS;
/** A request's latency bin and what became of it as one number, by which requests can be grouped at little cost. */
export const outcome = `toUInt64(least(latency_bin, ${BINS - 1})) * 8
    + multiIf(error_class != '', ${FAILED}, ${abandoned}, ${ABANDONED}, refused IS NULL, ${UNKNOWN}, refused, ${REFUSED}, ${ANSWERED})`;
export const readOutcome = (number: number) => ({ state: number % 8, bin: Math.floor(number / 8) });
export const stateOf = (encoded: string) => `${encoded} % 8`;
export const binOf = (encoded: string) => `toInt16(intDiv(${encoded}, 8) % ${BINS})`;
