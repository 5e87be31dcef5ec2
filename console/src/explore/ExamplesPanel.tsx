import { useGraphiQL } from '@graphiql/react'
import { useSession } from 'annul/client/react'
import { useEffect, useMemo, useState } from 'react'
import { Busy } from '../parts/Busy.tsx'
import { texts } from '../texts/en.ts'
import { type Example, examplesOf } from './examples.ts'
import { grouped } from './groups.ts'
import { type Guards, loadGuards } from './guards.ts'
import { useOpenTab } from './useOpenTab.ts'

const { explore } = texts

/** Every root field of the schema with what guards it. Each opens a tab with an operation that asks for the field. */
export function ExamplesPanel() {
  const { schema, isIntrospecting, fetchError } = useGraphiQL(({ schema, isIntrospecting, fetchError }) => ({
    schema,
    isIntrospecting,
    fetchError,
  }))
  const { user } = useSession()
  const [search, setSearch] = useState('')
  const [guards, setGuards] = useState<Guards>(new Map())
  const open = useOpenTab()
  useEffect(() => {
    void loadGuards().then(setGuards)
  }, [])
  const examples = useMemo(() => (schema ? examplesOf(schema, user) : []), [schema, user])
  const found = examples.filter(({ coordinate }) => coordinate.toLowerCase().includes(search.toLowerCase()))
  return (
    <section className="panel" aria-labelledby="examples">
      <h2 id="examples">{explore.examples}</h2>
      {isIntrospecting && !schema && <Busy />}
      {fetchError && !schema && <p className="empty">{explore.noSchema}</p>}
      {schema && (
        <>
          <p className="soft">{explore.examplesLead}</p>
          <div className="field">
            <label htmlFor="find-example">{explore.find}</label>
            <input
              id="find-example"
              type="search"
              value={search}
              onChange={event => setSearch(event.currentTarget.value)}
            />
          </div>
          {found.length === 0 && <p className="empty">{explore.nothingFound}</p>}
        </>
      )}
      {grouped(found).map(([group, list]) => (
        <Group key={group} name={group} examples={list} guards={guards} onOpen={open} />
      ))}
    </section>
  )
}

function Group({
  name,
  examples,
  guards,
  onOpen,
}: {
  name: string
  examples: readonly Example[]
  guards: Guards
  onOpen: (example: Example) => void
}) {
  return (
    <>
      <h3>{name}</h3>
      <ul className="examples">
        {examples.map(example => (
          <li key={example.coordinate}>
            <button type="button" className="plain" onClick={() => onOpen(example)}>
              <code>{example.field}</code> <span className="soft">{explore.kinds[example.kind]}</span>
            </button>
            <small className="soft">{guards.get(example.coordinate)}</small>
          </li>
        ))}
      </ul>
    </>
  )
}
