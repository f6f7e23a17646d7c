/**
 * Text from elsewhere, safe for a terminal: control characters, and those that turn the direction of writing, become a
 * visible stand-in. A description must not clear the operator's screen or forge a line.
 */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
