import { readFileSync } from 'node:fs'

const file: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)

/** Annul's own, of package.json. */
export const { version } = file
