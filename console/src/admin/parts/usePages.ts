import { useState } from 'react'

/** The place in a list that is read page by page. */
export interface Pages {
  /** 1 is the first page. */
  readonly number: number
  /** The cursor before this page; null: the first one. */
  readonly after: string | null
  /** Goes on after the cursor of the last entry. */
  next(cursor: string): void
  back(): void
}

/** @param list what is listed: another list begins at its first page */
export function usePages(list: string): Pages {
  const [state, setState] = useState({ list, cursors: [] as readonly string[] })
  const cursors = state.list === list ? state.cursors : []
  return {
    number: cursors.length + 1,
    after: cursors.at(-1) ?? null,
    next: cursor => setState({ list, cursors: [...cursors, cursor] }),
    back: () => setState({ list, cursors: cursors.slice(0, -1) }),
  }
}

/** The part of a connection's `pageInfo` that pages need. */
export interface PageInfo {
  readonly hasNextPage: boolean
  readonly endCursor: string | null
}
