import { useGraphiQL } from '@graphiql/react'
import { useLayoutEffect } from 'react'
import { texts } from '../texts/en.ts'

/**
 * GraphiQL's tabs are elements with `role="tab"` that hold buttons, which WCAG 4.1.2 does not allow: a screen reader hides
 * what is in a tab. Without the roles they are a list of buttons, one of which is the present one.
 */
export function TabHabits() {
  const { tabs, activeTabIndex } = useGraphiQL(({ tabs, activeTabIndex }) => ({ tabs, activeTabIndex }))
  useLayoutEffect(() => {
    const list = document.querySelector('.graphiql-session-header ul')
    list?.setAttribute('role', 'list')
    list?.setAttribute('aria-label', texts.explore.tabs)
    document.getElementById('graphiql-session')?.setAttribute('role', 'region')
    const items = document.querySelectorAll('.graphiql-session-header li')
    for (const [index, item] of [...items].entries()) {
      item.removeAttribute('role')
      item.removeAttribute('aria-selected')
      const isPresent = index === activeTabIndex
      item.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(isPresent))
      const close = item.querySelector('.graphiql-tab-close')
      close?.setAttribute('aria-label', texts.explore.close(tabs[index]?.title ?? ''))
    }
  }, [tabs, activeTabIndex])
  return null
}
