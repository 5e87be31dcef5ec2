import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import 'graphiql/graphiql.css'
import './workers.ts'
import './explore.css'
import { useSession } from 'annul/client/react'
import { GraphiQL } from 'graphiql'
import { useEffect, useRef, useState } from 'react'
import { texts } from '../texts/en.ts'
import { EditorHabits } from './EditorHabits.tsx'
import { ExamplesPanel } from './ExamplesPanel.tsx'
import { Explained } from './Explained.tsx'
import { fetcher, introspectionName } from './fetcher.ts'
import { ListIcon, PersonIcon } from './icons.tsx'
import { createMemoryStorage } from './memoryStorage.ts'
import { SessionPanel } from './SessionPanel.tsx'
import { StopWithUser } from './StopWithUser.tsx'
import { TabHabits } from './TabHabits.tsx'

const { explore } = texts
const sessionPlugin = { title: explore.session, icon: PersonIcon, content: SessionPanel }
const plugins = [sessionPlugin, { title: explore.examples, icon: ListIcon, content: ExamplesPanel }]

/** GraphiQL, as the person who is signed in. */
export default function Explore() {
  const life = useLife()
  return (
    <div className="explore">
      <h1 className="visually-hidden">{texts.app.explore}</h1>
      <Fresh key={life} />
    </div>
  )
}

function Fresh() {
  const [storage] = useState(createMemoryStorage)
  return (
    <GraphiQL
      fetcher={fetcher}
      introspectionQueryName={introspectionName}
      storage={storage}
      shouldPersistHeaders={false}
      forcedTheme="system"
      plugins={plugins}
      visiblePlugin={sessionPlugin}
      defaultQuery=""
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>{''}</GraphiQL.Logo>
      <GraphiQL.Footer>
        <Explained />
      </GraphiQL.Footer>
      <EditorHabits />
      <TabHabits />
      <StopWithUser />
    </GraphiQL>
  )
}

/**
 * Changes with each sign-out, and when another person signs in than before, so that no operation and no answer stays in the
 * page for whoever uses it next. After any other end of a session they stay, so that the error can be read.
 */
function useLife(): number {
  const { reason, user } = useSession()
  const [life, setLife] = useState(0)
  const former = useRef(user?.id)
  useEffect(() => {
    if (reason === 'LOGGED_OUT') setLife(life => life + 1)
  }, [reason])
  const id = user?.id
  useEffect(() => {
    if (id === undefined) return
    if (former.current !== undefined && former.current !== id) setLife(life => life + 1)
    former.current = id
  }, [id])
  return life
}
