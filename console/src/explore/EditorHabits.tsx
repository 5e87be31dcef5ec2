import { useGraphiQL } from '@graphiql/react'
import { useEffect } from 'react'
import { texts } from '../texts/en.ts'

const { editors } = texts.explore

/** What GraphiQL's editors lack: the Tab key leads out of them, each has a name, and the font is the system's. */
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
      editor?.updateOptions({ ariaLabel, tabFocusMode: true, fontFamily: 'ui-monospace, monospace' })
  }, [queryEditor, variableEditor, headerEditor, responseEditor])
  return null
}
