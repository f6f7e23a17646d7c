/** The files to compare, as named on the command line. */
export type GateInput = { readonly pairs: string } | { readonly baseline: string; readonly candidate: string };
