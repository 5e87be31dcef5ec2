import { useEffect } from 'react'
import { ask } from '../data/ask.ts'
import { useOutage } from '../data/outage.ts'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'

/** One look, while the server can not answer. */
const everyMs = 2000

/** Says that the server can not answer now, and looks whether it can again. */
export function Outage() {
  const isDown = useOutage()
  useEffect(() => {
    if (!isDown) return
    // A field that needs a live session: a refusal is an answer, too.
    const look = () => {
      if (session.state.status === 'restoring') session.refresh().catch(() => {})
      ask('query StillThere { me { id } }').catch(() => {})
    }
    const timer = setInterval(look, everyMs)
    return () => clearInterval(timer)
  }, [isDown])
  return (
    <div role="status" className="outage" hidden={!isDown}>
      {isDown && <p>{texts.app.outage}</p>}
    </div>
  )
}
