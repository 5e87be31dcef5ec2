import { useSession } from 'annul/client/react'
import type { ReactNode } from 'react'
import { texts } from '../texts/en.ts'

/** Shows its children to admins, and tells others why not. Who loses the role loses the children with the next token. */
export function ForAdmins({ children }: { children: ReactNode }) {
  const { user } = useSession()
  if (user?.roles.includes('admin')) return children
  return (
    <>
      <h1>{texts.app.admin}</h1>
      <div role="status" className="empty">
        <p>
          <strong>{texts.admin.notAdmin}</strong>
        </p>
        <p>{texts.admin.notAdminLead(user?.email ?? '')}</p>
      </div>
    </>
  )
}
