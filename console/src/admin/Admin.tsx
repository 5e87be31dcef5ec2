import { useState } from 'react'
import { usePlace } from '../data/route.ts'
import { ForSignedIn } from '../parts/ForSignedIn.tsx'
import { texts } from '../texts/en.ts'
import './admin.css'
import { Audit } from './audit/Audit.tsx'
import { readFilter } from './audit/filter.ts'
import { ForAdmins } from './ForAdmins.tsx'
import { Keys } from './keys/Keys.tsx'
import { Nodes } from './nodes/Nodes.tsx'
import { Said, type Say } from './parts/Said.tsx'
import { usePages } from './parts/usePages.ts'
import { User } from './users/User.tsx'
import { Users } from './users/Users.tsx'

const rooms = ['users', 'audit', 'nodes', 'keys'] as const

/** The room of admins. The server decides what they may do; to others it would refuse all that is asked here. */
export default function Admin({ rest }: { rest: readonly string[] }) {
  const place = usePlace()
  // Kept here, so that it is still there for who has just ended the own session.
  const [said, setSaid] = useState({ place: '', text: '' })
  return (
    <div className="admin">
      <Said text={said.place === place ? said.text : ''} onClose={() => setSaid({ place: '', text: '' })} />
      <ForSignedIn>
        <ForAdmins>
          <Rooms rest={rest} say={(text, at) => setSaid({ place: at, text })} />
        </ForAdmins>
      </ForSignedIn>
    </div>
  )
}

function Rooms({ rest: [name = 'users', ...more], say }: { rest: readonly string[]; say: Say }) {
  // Kept here, so that who comes back from a user finds the list as it was.
  const [search, setSearch] = useState('')
  const pages = usePages(search)
  const [id] = more
  return (
    <>
      <nav className="subnav" aria-label={texts.admin.navigation}>
        {rooms.map(room => (
          <a key={room} href={`#/admin/${room}`} aria-current={room === name ? 'page' : undefined}>
            {texts.admin[room]}
          </a>
        ))}
      </nav>
      {name === 'users' && id !== undefined ? (
        <User key={id} id={id} say={say} />
      ) : name === 'users' ? (
        <Users search={search} onSearch={setSearch} pages={pages} />
      ) : name === 'audit' ? (
        <Audit {...readFilter(more)} />
      ) : name === 'nodes' ? (
        <Nodes />
      ) : name === 'keys' ? (
        <Keys say={say} />
      ) : (
        <h1>{texts.app.notFound}</h1>
      )}
    </>
  )
}
