import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useEffect, useState } from 'react'
import type { Example } from './examples.ts'

/**
 * @returns what opens an example: in a tab of its own, or in the present one where that is still empty. The editors are
 *   loaded after the list of examples: an example that is chosen before is opened when the editors are there.
 */
export function useOpenTab(): (example: Example) => void {
  const { addTab, stop } = useGraphiQLActions()
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }))
  const [chosen, choose] = useState<Example>()
  useEffect(() => {
    if (!chosen || !queryEditor || !variableEditor) return
    choose(undefined)
    // What is under way would write its answer into the new tab.
    stop()
    if (queryEditor.getValue().trim()) addTab()
    queryEditor.setValue(chosen.query)
    variableEditor.setValue(chosen.variables)
    queryEditor.focus()
  }, [chosen, addTab, stop, queryEditor, variableEditor])
  return choose
}
