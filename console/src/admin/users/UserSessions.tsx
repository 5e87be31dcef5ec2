import type { ListedSession } from '../../data/listedSession.ts'
import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'
import { Scroll } from '../parts/Scroll.tsx'

/** Where a user is signed in. */
export function UserSessions({ sessions }: { sessions: readonly ListedSession[] }) {
  const { oneUser } = texts.admin
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">{oneUser.sessions}</h2>
      {sessions.length === 0 ? (
        <p className="empty">{oneUser.noSessions}</p>
      ) : (
        <Scroll label={oneUser.sessionTable}>
          <table>
            <thead>
              <tr>
                <th scope="col">{oneUser.device}</th>
                <th scope="col">{oneUser.address}</th>
                <th scope="col">{oneUser.since}</th>
                <th scope="col">{oneUser.lastUsed}</th>
                <th scope="col">{oneUser.expires}</th>
              </tr>
            </thead>
            <tbody>
              {sessions.map(({ id, current, device, ipAddress, createdAt, lastUsedAt, expiresAt }) => (
                <tr key={id}>
                  <td>
                    {device ?? oneUser.unknownDevice}{' '}
                    {current && <span className="badge">{oneUser.thisOne}</span>}
                  </td>
                  <td>{ipAddress}</td>
                  <td>
                    <Time at={createdAt} />
                  </td>
                  <td>
                    <Time at={lastUsedAt} />
                  </td>
                  <td>
                    <Time at={expiresAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}
