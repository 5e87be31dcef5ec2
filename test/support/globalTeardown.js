import { existsSync, readFileSync, rmSync } from 'node:fs'

export default async function globalTeardown() {
  await globalThis.__postgres?.stop()
  const { TEST_DIR, TEST_LOG } = process.env
  try {
    if (existsSync(TEST_LOG) && existsSync(`${TEST_LOG}.secrets`))
      searchLog(readFileSync(TEST_LOG, 'utf8'), readFileSync(`${TEST_LOG}.secrets`, 'utf8'))
  } finally {
    rmSync(TEST_DIR, { recursive: true, force: true })
  }
}

const minLength = 9

/** Tokens, and passwords that signUp made. Other passwords may be any text: tests of bad input send them. */
function isReal(line) {
  return /^(eyJ[\w-]+\.[\w-]+\.[\w-]+|annul_rt_[\w-]+|password [\w-]{12})$/.test(line)
}

/** Searches the log of the run for every password and token that a client has sent or received. */
function searchLog(log, secrets) {
  // Indexed by their first characters, so that one pass over the log finds thousands of secrets.
  const byStart = new Map()
  for (const secret of new Set(secrets.split('\n').filter(isReal))) {
    // In the log's JSON a quote is escaped.
    for (const written of new Set([secret, JSON.stringify(secret).slice(1, -1)])) {
      const start = written.slice(0, minLength)
      byStart.set(start, [...(byStart.get(start) ?? []), written])
    }
  }
  for (const [index, line] of log.split('\n').entries())
    for (let at = 0; at + minLength <= line.length; at++) {
      const written = byStart.get(line.slice(at, at + minLength))?.find(each => line.startsWith(each, at))
      if (written === undefined) continue
      const { msg, ...rest } = JSON.parse(line)
      throw new Error(
        `Line ${index + 1} of the run's log ("${msg}"; ${Object.keys(rest)}) holds a password or a token.`,
      )
    }
}
