import { useEffect } from 'react'
import { useOutage } from '../data/outage.ts'
import { lookIfStillThere } from '../data/stillThere.ts'
import { texts } from '../texts/en.ts'

/** One look, while the server can not answer. */
const everyMs = 2000
/** The session would pause for longer and longer within one request. */
const patienceMs = 5000

/** Says that the server can not answer now, and looks whether it can again. */
export function Outage() {
  const isDown = useOutage()
  useEffect(() => {
    if (!isDown) return
    let isLooking = false
    const look = async () => {
      // Also a session that is not yet restored is restored by the first look that succeeds.
      if (isLooking) return
      isLooking = true
      await lookIfStillThere(AbortSignal.timeout(patienceMs))
      isLooking = false
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
