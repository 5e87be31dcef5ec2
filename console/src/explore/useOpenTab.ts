import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useCallback } from 'react'
import type { Example } from './examples.ts'

/** @returns what opens an example: in a tab of its own, or in the present one where that is still empty */
export function useOpenTab(): (example: Example) => void {
  const { addTab } = useGraphiQLActions()
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }))
  return useCallback(
    ({ query, variables }) => {
      if (queryEditor?.getValue().trim()) addTab()
      queryEditor?.setValue(query)
      variableEditor?.setValue(variables)
      queryEditor?.focus()
    },
    [addTab, queryEditor, variableEditor],
  )
}
