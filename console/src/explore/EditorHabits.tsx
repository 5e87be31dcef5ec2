import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { TabFocus } from 'monaco-editor/esm/vs/editor/browser/config/tabFocus.js'
import { useEffect } from 'react'
import { texts } from '../texts/en.ts'

const { editors } = texts.explore

// The Tab key leads out of every editor (WCAG 2.1.2). Control+M gives the key back to the editors.
TabFocus.setTabFocusMode(true)

/** What GraphiQL's editors lack: each has a name, and no font is loaded. */
export function EditorHabits() {
  const { queryEditor, variableEditor, headerEditor, responseEditor } = useGraphiQL(
    ({ queryEditor, variableEditor, headerEditor, responseEditor }) => ({
      queryEditor,
      variableEditor,
      headerEditor,
      responseEditor,
    }),
  )
  useEffect(() => {
    const named = [
      [queryEditor, editors.operation],
      [variableEditor, editors.variables],
      [headerEditor, editors.headers],
      [responseEditor, editors.response],
    ] as const
    for (const [editor, ariaLabel] of named)
      editor?.updateOptions({
        ariaLabel,
        fontFamily: 'ui-monospace, monospace',
        // The number of an empty last line would be too pale (WCAG 1.4.3).
        renderFinalNewline: 'on',
      })
  }, [queryEditor, variableEditor, headerEditor, responseEditor])
  useSystemTheme()
  return null
}

/** The editors follow the system's colours also when these change. The rest of the page does by its styles. */
function useSystemTheme(): void {
  const { setTheme } = useGraphiQLActions()
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const follow = () => setTheme(null)
    dark.addEventListener('change', follow)
    return () => dark.removeEventListener('change', follow)
  }, [setTheme])
}
