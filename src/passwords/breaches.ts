import { createHash } from 'node:crypto'
import { normalizePassword } from './normalize.ts'

/** What a check has found. `failed`: nothing is known, and the password is accepted. */
export type BreachResult = 'clean' | 'breached' | 'failed'

/** Registration does not wait longer for somebody else's service. */
const usualDeadlineMs = 500
/** At a time. More would pile up while the service is slow. */
const maxChecks = 8
/** Ranges have about 40 kB, and 100 with padding. */
const maxBytes = 262_144

/**
 * Looks up whether a password is known from breaches, by k-anonymity: the service is sent the first 5 of the 40 digits
 * of a SHA-1, and answers with all hashes that begin so. Neither the password nor its hash leaves the process, and
 * the padding hides from observers which range was asked for.
 *
 * @param url the 5 digits are appended to it; undefined: no password is looked up
 * @param tell called with each result, for the metrics
 * @param deadlineMs default 500; after it the password is accepted
 * @returns whether the password is breached; false too where the service can't be asked in time
 * @example
 * const isBreached = openBreachCheck('https://api.pwnedpasswords.com/range/', () => {})
 * await isBreached('correct horse battery staple')
 */
export function openBreachCheck(
  url: string | undefined,
  tell: (result: BreachResult) => void,
  deadlineMs = usualDeadlineMs,
): (password: string) => Promise<boolean> {
  if (url === undefined) return async () => false
  const base = /[/=]$/.test(url) ? url : `${url}/`
  let running = 0
  return async password => {
    const hash = createHash('sha1').update(normalizePassword(password)).digest('hex').toUpperCase()
    let result: BreachResult = 'failed'
    if (running < maxChecks) {
      running++
      try {
        const suffixes = await readRange(`${base}${hash.slice(0, 5)}`, deadlineMs)
        result = suffixes.has(hash.slice(5)) ? 'breached' : 'clean'
      } catch {
        // Slow, broken or no such service: the metrics say so, and users can go on.
      } finally {
        running--
      }
    }
    tell(result)
    return result === 'breached'
  }
}

/** @throws Error for any answer that is no range, or too long, or too late */
async function readRange(url: string, deadlineMs: number): Promise<ReadonlySet<string>> {
  const response = await fetch(url, {
    headers: { 'add-padding': 'true', 'user-agent': 'annul' },
    // Whoever the service points to was not chosen by the operator.
    redirect: 'error',
    signal: AbortSignal.timeout(deadlineMs),
  })
  const text = await readBounded(response)
  if (response.status !== 200) throw new Error(`The service answered with ${response.status}.`)
  const lines = text.trim().split(/\r?\n/)
  const suffixes = new Set<string>()
  for (const line of lines) {
    const [, suffix, count] = /^([0-9A-F]{35}):(\d{1,12})$/i.exec(line) ?? []
    if (suffix === undefined) throw new Error('The answer is no range of hashes.')
    // Padding has the count 0.
    if (Number(count) > 0) suffixes.add(suffix.toUpperCase())
  }
  return suffixes
}

/** Ends the connection where the body is too long. */
async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error('The answer is too long.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
