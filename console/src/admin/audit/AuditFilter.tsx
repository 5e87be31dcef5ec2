import { useId } from 'react'
import { ask } from '../../data/ask.ts'
import { Failure } from '../../data/failure.ts'
import { goTo } from '../../data/route.ts'
import { Field } from '../../parts/Field.tsx'
import { Form } from '../../parts/Form.tsx'
import { texts } from '../../texts/en.ts'
import { type Filter, placeOf } from './filter.ts'
import { kinds } from './kinds.ts'

const query = `query FindUser($email: String!) {
  users(first: 200, search: $email) { edges { node { id email } } }
}`

/** Which events are listed. The filter is part of the address, so that it can be kept and sent. */
export function AuditFilter(filter: Filter) {
  const { user, userHint, kind, kindHint, submit, clear } = texts.admin.filter
  const list = useId()
  return (
    <search className="filter">
      <Form
        submit={submit}
        onSend={async ({ user = '', kind = '' }) => {
          const userId = user.includes('@') ? await idOf(user.trim()) : user.trim()
          goTo(placeOf({ userId, kind: kind.trim() }))
        }}
      >
        <Field label={user} hint={userHint} name="user" defaultValue={filter.userId} spellCheck={false} />
        <Field label={kind} hint={kindHint} name="kind" defaultValue={filter.kind} list={list} />
        <datalist id={list}>
          {kinds.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </Form>
      {(filter.userId || filter.kind) && (
        <p>
          <a href="#/admin/audit">{clear}</a>
        </p>
      )}
    </search>
  )
}

/** @throws Failure where no user has the e-mail */
async function idOf(email: string): Promise<string> {
  const { users } = await ask<{ users: { edges: { node: { id: string; email: string | null } }[] } }>(query, {
    email,
  })
  const found = users.edges.find(({ node }) => node.email?.toLowerCase() === email.toLowerCase())
  if (!found) throw new Failure(texts.admin.filter.unknownEmail, { code: 'NOT_FOUND' })
  return found.node.id
}
