import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'
import { Scroll } from '../parts/Scroll.tsx'
import { StatusBadge } from './StatusBadge.tsx'

export interface ListedUser {
  readonly id: string
  readonly email: string | null
  readonly emailVerified: boolean | null
  readonly status: string | null
  readonly roles: readonly string[] | null
  readonly createdAt: string | null
}

export function UserTable({ users }: { users: readonly ListedUser[] }) {
  const { userList, verified, unverified, noEmail } = texts.admin
  return (
    <Scroll label={userList.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{userList.email}</th>
            <th scope="col">{userList.status}</th>
            <th scope="col">{userList.roles}</th>
            <th scope="col">{userList.created}</th>
          </tr>
        </thead>
        <tbody>
          {users.map(({ id, email, emailVerified, status, roles, createdAt }) => (
            <tr key={id}>
              <td>
                <a href={`#/admin/users/${id}`}>{email ?? noEmail}</a>{' '}
                <small className="soft">{emailVerified ? verified : unverified}</small>
              </td>
              <td>
                <StatusBadge status={status} />
              </td>
              <td>{roles?.join(' ')}</td>
              <td>
                <Time at={createdAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}
