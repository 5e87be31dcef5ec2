import type { ReactNode, Ref } from 'react'

/** What is wider than a phone: it scrolls within itself, by keys too. */
export function Scroll({
  label,
  children,
  ref,
}: {
  label: string
  children: ReactNode
  ref?: Ref<HTMLElement>
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it by the arrow keys
    <section ref={ref} className="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
