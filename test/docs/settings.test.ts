import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { type Config, ConfigError, readConfig } from '../../src/config.ts'
import { allSettings } from '../../tools/docs/settings.ts'
import { settingsPage } from '../../tools/docs/settingsPage.ts'
import { root } from '../support/imports.ts'

/* docs/settings.md is written from a table, which has the names, defaults and ranges of src/config.ts. */

const settings = allSettings.flatMap(topic => topic.settings)
const production = {
  NODE_ENV: 'production',
  ANNUL_SECRET: Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64'),
}

/** The variables that are read. ANNUL_SERVICE is known and not read: it is for verifiers. */
function namesRead(): string[] {
  const names = new Set(['ANNUL_SERVICE'])
  const env = new Proxy<Record<string, string>>(
    {},
    { get: (_, name) => void (typeof name === 'string' && names.add(name)) },
  )
  readConfig(env)
  names.delete('NODE_ENV')
  return [...names]
}

/** ANNUL_LEASE_MS: leaseMs. */
function fieldOf(variable: string): string {
  return variable
    .replace(/^ANNUL_/, '')
    .toLowerCase()
    .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('docs/settings.md', () => {
  it('is what the table says: otherwise run "npm run generate"', () => {
    expect(readFileSync(join(root, 'docs/settings.md'), 'utf8')).toBe(settingsPage())
  })

  it('has every setting, once, and no other name', () => {
    expect(settings.map(({ name }) => name).sort()).toEqual(namesRead().sort())
  })

  it.each(settings)('has the default of $name', ({ name, default: value, inProduction }) => {
    const bare = readConfig({})
    if (value !== undefined) return expect(readConfig({ [name]: value })).toEqual(bare)
    expect(inProduction).toBe(undefined)
    // A list that is empty without the setting.
    const field = bare[fieldOf(name) as keyof Config]
    expect([undefined, 0]).toContain(Array.isArray(field) ? field.length : field)
  })

  it.each(settings)('has the default of $name in production', setting => {
    const { name, default: value, inProduction = value } = setting
    const bare = readConfig(production)
    if (name === 'ANNUL_SECRET' || inProduction === undefined) return
    expect(readConfig({ ...production, [name]: inProduction })).toEqual(bare)
    if (inProduction !== value) expect(readConfig({ ...production, [name]: value ?? '' })).not.toEqual(bare)
  })

  it.each(settings)('has the range of $name, where it has one', ({ name, range }) => {
    const [problem = ''] = problemsOf({ [name]: '-1' })
    const [, least, greatest] = /must be a whole number from (\d+) to (\d+)/.exec(problem) ?? []
    expect(range).toEqual(least === undefined ? undefined : [Number(least), Number(greatest)])
  })
})
