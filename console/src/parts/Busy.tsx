import { useEffect, useState } from 'react'
import { texts } from '../texts/en.ts'

/** Something is being waited for: a bar at once, and after a second a word. */
export function Busy({ word = texts.app.loading }: { word?: string }) {
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), 900)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div className="busy" role="status">
      <span className="bar" aria-hidden="true" />
      <span>{isLong ? word : ''}</span>
    </div>
  )
}
