import type { ComponentChildren } from "preact";

interface Props {
  readonly id: string;
  readonly title: string;
  /** The verdict in a sentence: whoever reads only this knows enough. */
  readonly verdict?: string | null;
  readonly children: ComponentChildren;
}

export const Section = ({ id, title, verdict, children }: Props) => (
  <section class="panel" aria-labelledby={`${id}-title`}>
    <h2 id={`${id}-title`}>{title}</h2>
    {verdict && (
      <p class="verdict" dir="auto">
        {verdict}
      </p>
    )}
    {children}
  </section>
);

/** Figures with their names: `<dl>` in as many columns as there is room for. */
export const Figures = ({
  of,
}: {
  readonly of: ReadonlyArray<readonly [name: string, value: ComponentChildren, note?: string | undefined]>;
}) => (
  <dl class="figures">
    {of.map(([name, value, note]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>
          {value}
          {note !== undefined && <span class="muted note"> {note}</span>}
        </dd>
      </div>
    ))}
  </dl>
);
