import { useId, useState } from 'react'
import { Field } from '../../parts/Field.tsx'
import { texts } from '../../texts/en.ts'
import { ActDialog } from '../parts/ActDialog.tsx'
import { endedNote } from '../parts/endedNote.ts'
import type { Say } from '../parts/Said.tsx'
import type { ShownUser } from './User.tsx'

const mutation = `mutation SetAccess($id: ID!, $roles: [String!]!, $scopes: [String!]!) {
  setUserAccess(id: $id, roles: $roles, scopes: $scopes) { id }
}`

/** Roles and scopes, changed after a look at what changes. What is refused stays in the form. */
export function AccessForm({ user, onDone, say }: { user: ShownUser; onDone: () => void; say: Say }) {
  const { oneUser, acts, change, noEmail } = texts.admin
  const id = useId()
  const present = { roles: user.roles ?? [], scopes: user.scopes ?? [] }
  const [typed, setTyped] = useState<{ roles?: string; scopes?: string }>({})
  const [isAsking, setAsking] = useState(false)
  const [isUnchanged, setUnchanged] = useState(false)
  const text = { roles: present.roles.join(' '), scopes: present.scopes.join(' '), ...typed }
  const wanted = { roles: namesOf(text.roles), scopes: namesOf(text.scopes) }
  const [given, taken] = [difference(wanted, present), difference(present, wanted)]
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{oneUser.access}</h2>
      <form
        className="narrow"
        onSubmit={event => {
          event.preventDefault()
          const isChanged = `${given}${taken}` !== ''
          setAsking(isChanged)
          setUnchanged(!isChanged)
        }}
      >
        {(['roles', 'scopes'] as const).map(name => (
          <Field
            key={name}
            name={name}
            label={oneUser[name]}
            hint={oneUser.accessHint}
            spellCheck={false}
            autoCapitalize="none"
            value={text[name]}
            onChange={({ target }) => setTyped({ ...typed, [name]: target.value })}
          />
        ))}
        <p className="row">
          <button type="submit">{oneUser.saveAccess}</button>
          <span role="status">{isUnchanged && oneUser.unchanged}</span>
        </p>
      </form>
      {isAsking && (
        <ActDialog
          {...acts.access}
          heading={acts.access.heading(user.email ?? noEmail)}
          isDangerous={false}
          onClose={() => setAsking(false)}
          onAct={async act => {
            const { revokedOnAllNodesMs } = await act(mutation, { id: user.id, ...wanted })
            say(endedNote(acts.access.done, revokedOnAllNodesMs), `/admin/users/${user.id}`)
            setTyped({})
            onDone()
          }}
        >
          <ul className="names">
            {given && <li>{change.given(given)}</li>}
            {taken && <li>{change.taken(taken)}</li>}
          </ul>
        </ActDialog>
      )}
    </section>
  )
}

interface Access {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

function namesOf(text: string): string[] {
  return [...new Set(text.split(/\s+/).filter(Boolean))]
}

/** What the first has and the second has not, in words: empty where there is nothing. */
function difference(first: Access, second: Access): string {
  const { roles, scopes } = texts.admin.oneUser
  const [role, scope] = (['roles', 'scopes'] as const).map(kind =>
    first[kind].filter(name => !second[kind].includes(name)).join(' '),
  )
  return [role && `${roles} ${role}`, scope && `${scopes} ${scope}`].filter(Boolean).join('; ')
}
