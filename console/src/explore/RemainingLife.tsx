import { useEffect, useId, useState } from 'react'
import { texts } from '../texts/en.ts'
import type { Claims } from './claims.ts'

const { explore } = texts

/**
 * How long the token still lives, as a bar and in words. Counted from its arrival, because this device's clock may differ
 * from the server's.
 *
 * @param props.since when the token arrived, by `performance.now()`
 */
export function RemainingLife({ since, claims }: { since: number; claims: Claims }) {
  const id = useId()
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    setNow(performance.now())
    const timer = setInterval(() => setNow(performance.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const life = Number(claims.exp) - Number(claims.iat)
  const left = Math.min(life, Math.max(0, life - (now - since) / 1000))
  return (
    <div className="life">
      <span id={id}>{left > 0 ? explore.left(clockOf(left), clockOf(life)) : explore.expired}</span>
      <meter aria-labelledby={id} min={0} max={life} low={life / 6} value={left} />
    </div>
  )
}

function clockOf(seconds: number): string {
  const whole = Math.ceil(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
