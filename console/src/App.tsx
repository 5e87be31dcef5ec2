import { type ComponentType, lazy, Suspense, useEffect, useRef } from 'react'
import { useFollowedSessions } from './data/ownSessions.ts'
import { usePlace } from './data/route.ts'
import { Boundary } from './parts/Boundary.tsx'
import { Busy } from './parts/Busy.tsx'
import { Header } from './parts/Header.tsx'
import { Outage } from './parts/Outage.tsx'
import { StepUp } from './parts/StepUp.tsx'
import { SignIn } from './SignIn.tsx'
import { Start } from './Start.tsx'
import { settings } from './settings.ts'
import { texts } from './texts/en.ts'

/** The rooms of the page. Each is loaded when it is first opened. `rest` is the place within it. */
const rooms: Readonly<Record<string, ComponentType<{ rest: readonly string[] }>>> = {
  explore: lazy(() => import('./explore/Explore.tsx')),
  account: lazy(() => import('./account/Account.tsx')),
  admin: lazy(() => import('./admin/Admin.tsx')),
  docs: lazy(() => import('./docs/Docs.tsx')),
}

export function App() {
  const place = usePlace()
  useFollowedSessions()
  const [name = '', ...rest] = place.split('/').slice(1)
  const Room = Object.hasOwn(rooms, name) ? rooms[name] : undefined
  const main = useFocusOnArrival(place)
  useEffect(() => {
    const room = (texts.app as Readonly<Record<string, string>>)[Room ? name : 'start']
    document.title = `${room} – ${settings.siteName}`
  }, [name, Room])
  return (
    <StepUp>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {texts.app.skip}
      </button>
      <Header room={name} />
      <Outage />
      <main id="main" ref={main} tabIndex={-1} className={name === 'explore' ? 'wide' : undefined}>
        <Boundary key={name}>
          <Suspense fallback={<Busy />}>
            {Room ? (
              <Room rest={rest} />
            ) : name === '' ? (
              <Start />
            ) : name === 'sign-in' ? (
              <SignIn />
            ) : (
              <NotFound />
            )}
          </Suspense>
        </Boundary>
      </main>
    </StepUp>
  )
}

/** After a change of the place the keyboard goes on in the content, and a screen reader begins there. */
function useFocusOnArrival(place: string) {
  const main = useRef<HTMLElement>(null)
  const former = useRef(place)
  useEffect(() => {
    if (former.current !== place) main.current?.focus({ preventScroll: true })
    former.current = place
  }, [place])
  return main
}

function NotFound() {
  return (
    <>
      <h1>{texts.app.notFound}</h1>
      <p>
        <a href="#/">{texts.app.toStart}</a>
      </p>
    </>
  )
}
