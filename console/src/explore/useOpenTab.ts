import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useCallback } from 'react'
import type { Example } from './examples.ts'

/** @returns what opens an example: in a tab of its own, or in the present one where that is still empty */
export function useOpenTab(): (example: Example) => void {
  const { addTab, stop } = useGraphiQLActions()
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }))
  return useCallback(
    ({ query, variables }) => {
      // What is under way would write its answer into the new tab.
      stop()
      if (queryEditor?.getValue().trim()) addTab()
      queryEditor?.setValue(query)
      variableEditor?.setValue(variables)
      queryEditor?.focus()
    },
    [addTab, stop, queryEditor, variableEditor],
  )
}
