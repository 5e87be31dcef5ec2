import { useSession } from 'annul/client/react'
import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'

/** The rooms, and who is signed in. */
export function Header({ room }: { room: string }) {
  const { user, status, session } = useSession()
  const rooms = ['explore', 'account', ...(user?.roles.includes('admin') ? ['admin'] : []), 'docs'] as const
  return (
    <header className="top">
      <a className="brand" href="#/">
        {settings.siteName}
      </a>
      <nav aria-label={texts.app.navigation}>
        {rooms.map(name => (
          <a key={name} href={`#/${name}`} aria-current={room === name ? 'page' : undefined}>
            {(texts.app as Readonly<Record<string, unknown>>)[name] as string}
          </a>
        ))}
      </nav>
      <div className="who">
        {user && (
          <>
            <span className="mail" title={user.email}>
              {user.email}
            </span>
            <button type="button" onClick={() => void session.logout()}>
              {texts.app.signOut}
            </button>
          </>
        )}
        {status === 'signedOut' && room !== 'sign-in' && <a href="#/sign-in">{texts.app.signIn}</a>}
      </div>
    </header>
  )
}
