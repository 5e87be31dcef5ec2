import { useState } from 'react'
import { goTo } from '../../data/route.ts'
import { Field } from '../../parts/Field.tsx'
import { settings } from '../../settings.ts'
import { texts } from '../../texts/en.ts'
import { ActDialog } from '../parts/ActDialog.tsx'
import { endedNote } from '../parts/endedNote.ts'
import type { Say } from '../parts/Said.tsx'
import { resetOutcome } from './resetOutcome.ts'
import type { ShownUser } from './User.tsx'

/** What an admin can do to an account. Each mutation's field is aliased to `done`. */
const mutations = {
  block: `mutation Block($id: ID!, $reason: String) { done: blockUser(id: $id, reason: $reason) { id } }`,
  unblock: `mutation Unblock($id: ID!) { done: unblockUser(id: $id) { id } }`,
  endSessions: `mutation EndSessions($id: ID!) { done: revokeUserSessions(id: $id) { id } }`,
  recover: `mutation Recover($id: ID!) { done: recoverAccount(id: $id) { id } }`,
  resetFactors: `mutation ResetFactors($id: ID!) { done: resetFactors(id: $id) { id } }`,
  delete: `mutation Delete($id: ID!) { done: deleteUser(id: $id) }`,
} as const

type Name = keyof typeof mutations

export function Actions({ user, onDone, say }: { user: ShownUser; onDone: () => void; say: Say }) {
  const { acts, oneUser, noEmail, reason, reasonHint } = texts.admin
  const [asked, setAsked] = useState<Name>()
  // One button for both, so that it keeps the focus when it changes.
  const blocking = user.status === 'BLOCKED' ? 'unblock' : 'block'
  return (
    <section aria-labelledby="actions">
      <h2 id="actions">{oneUser.danger}</h2>
      <p className="row">
        {(
          [
            blocking,
            'endSessions',
            ...(settings.factors ? (['resetFactors'] as const) : []),
            'recover',
            'delete',
          ] as const
        ).map((name, place) => (
          <button key={place} type="button" onClick={() => setAsked(name)}>
            {acts[name].button}
          </button>
        ))}
      </p>
      {asked && (
        <ActDialog
          heading={acts[asked].heading(user.email ?? noEmail)}
          effect={acts[asked].effect}
          submit={acts[asked].submit}
          isDangerous={asked !== 'unblock'}
          onClose={() => setAsked(undefined)}
          onAct={async (act, values) => {
            const given = asked === 'block' ? { reason: values.reason || null } : {}
            const { data, revokedOnAllNodesMs } = await act<{ done: true | { id: string } }>(
              mutations[asked],
              { id: user.id, ...given },
            )
            // After a recovery the account has another id, and after a deletion none.
            const place = data.done === true ? '/admin/users' : `/admin/users/${data.done.id}`
            // A removal of factors that waits has ended nothing yet.
            const outcome = asked === 'resetFactors' ? await resetOutcome(user.id) : 'done'
            if (outcome === 'done') say(endedNote(acts[asked].done, revokedOnAllNodesMs), place)
            else say(acts.resetFactors[outcome], place)
            goTo(place)
            onDone()
          }}
        >
          {asked === 'block' && <Field label={reason} hint={reasonHint} name="reason" maxLength={500} />}
        </ActDialog>
      )}
    </section>
  )
}
