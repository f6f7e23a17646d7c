import type { ComponentChildren } from "preact";

export const Failure = ({ sentence }: { readonly sentence: string }) => (
  <p class="notice notice-wrong" role="alert">
    {sentence}
  </p>
);

export const Loading = () => (
  <p class="muted" role="status">
    Loading…
  </p>
);

/** What is not there, and why that is so: an empty page explains itself. */
export const Nothing = ({ children }: { readonly children: ComponentChildren }) => <p class="nothing">{children}</p>;
