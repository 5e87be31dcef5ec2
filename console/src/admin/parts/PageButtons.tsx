import { texts } from '../../texts/en.ts'
import type { PageInfo, Pages } from './usePages.ts'

/** To the page before and the next one. A button that leads nowhere keeps the focus, so it is not disabled outright. */
export function PageButtons({ pages, info }: { pages: Pages; info: PageInfo | undefined }) {
  const { previous, next, page, navigation } = texts.admin.pages
  const isFirst = pages.number === 1
  const cursor = info?.hasNextPage ? info.endCursor : null
  if (isFirst && cursor === null) return null
  return (
    <nav className="row" aria-label={navigation}>
      <button type="button" className="step" aria-disabled={isFirst} onClick={() => isFirst || pages.back()}>
        {previous}
      </button>
      <span aria-live="polite">{page(pages.number)}</span>
      <button
        type="button"
        className="step"
        aria-disabled={cursor === null}
        onClick={() => cursor !== null && pages.next(cursor)}
      >
        {next}
      </button>
    </nav>
  )
}
