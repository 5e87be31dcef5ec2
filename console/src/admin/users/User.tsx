import { useSession } from 'annul/client/react'
import { useState } from 'react'
import type { ListedSession } from '../../data/listedSession.ts'
import { useAsked } from '../../data/useAsked.ts'
import { Busy } from '../../parts/Busy.tsx'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'
import type { Say } from '../parts/Said.tsx'
import { AccessForm } from './AccessForm.tsx'
import { Actions } from './Actions.tsx'
import { StatusBadge } from './StatusBadge.tsx'
import { UserEvents } from './UserEvents.tsx'
import { UserSessions } from './UserSessions.tsx'

const query = `query User($id: ID!) {
  user(id: $id) {
    id email emailVerified roles scopes status createdAt
    sessions { id current device ipAddress createdAt lastUsedAt expiresAt }
  }
}`

/** An account as an admin sees it. */
export interface ShownUser {
  readonly id: string
  readonly email: string | null
  readonly emailVerified: boolean | null
  readonly roles: readonly string[] | null
  readonly scopes: readonly string[] | null
  readonly status: string | null
  readonly createdAt: string | null
  readonly sessions: readonly ListedSession[] | null
}

/** All about one user, and what an admin can do. */
export function User({ id, say }: { id: string; say: Say }) {
  const { oneUser } = texts.admin
  const { user: viewer } = useSession()
  const { data, failure, isBusy, reload } = useAsked<{ user: ShownUser | null }>(query, { id })
  const [turn, setTurn] = useState(0)
  const user = data?.user
  const after = () => {
    reload()
    setTurn(turn + 1)
  }
  return (
    <>
      <p>
        <a href="#/admin/users">← {oneUser.back}</a>
      </p>
      <h1>{user ? (user.email ?? texts.admin.noEmail) : texts.admin.user}</h1>
      <FailureNote failure={failure} />
      {data === undefined && isBusy && <Busy />}
      {user === null && <p className="empty">{oneUser.missing}</p>}
      {user && (
        <>
          {user.id === viewer?.id && <p className="notice">{oneUser.self}</p>}
          <Facts user={user} />
          <Actions user={user} onDone={after} say={say} />
          <AccessForm user={user} onDone={after} say={say} />
          <UserSessions sessions={user.sessions ?? []} />
          <UserEvents userId={user.id} turn={turn} />
        </>
      )}
    </>
  )
}

function Facts({ user }: { user: ShownUser }) {
  const { oneUser, verified, unverified } = texts.admin
  return (
    <>
      <p className="row">
        <StatusBadge status={user.status} />
        <span className={`badge ${user.emailVerified ? 'good' : 'warn'}`}>
          {oneUser.email} {user.emailVerified ? verified : unverified}
        </span>
      </p>
      <dl className="facts">
        <dt>{oneUser.id}</dt>
        <dd>
          <code>{user.id}</code>
        </dd>
        <dt>{oneUser.created}</dt>
        <dd>
          <Time at={user.createdAt} />
        </dd>
      </dl>
    </>
  )
}
