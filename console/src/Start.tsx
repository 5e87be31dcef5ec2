import { useSession } from 'annul/client/react'
import { Ended } from './parts/Ended.tsx'
import { endpoint } from './settings.ts'
import { texts } from './texts/en.ts'

/** The first page: what there is. */
export function Start() {
  const { user } = useSession()
  const rooms = ['explore', 'account', ...(user?.roles.includes('admin') ? ['admin'] : []), 'docs'] as (
    | 'explore'
    | 'account'
    | 'admin'
    | 'docs'
  )[]
  return (
    <>
      <Ended />
      <h1>{texts.start.heading}</h1>
      <p className="lead">{texts.start.lead}</p>
      <ul className="cards">
        {rooms.map(name => (
          <li key={name} className="card">
            <h2>
              <a href={`#/${name}`}>{texts.app[name]}</a>
            </h2>
            <p>{texts.start[name]}</p>
          </li>
        ))}
      </ul>
      <p>
        {texts.start.endpoint} <code>{endpoint.href}</code>
      </p>
    </>
  )
}
