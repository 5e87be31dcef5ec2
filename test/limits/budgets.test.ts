import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { actions, budgets, failureDays, longestSeconds, mostFailures } from '../../src/limits/budgets.ts'
import { root } from '../support/imports.ts'

/* What docs/brute-force.md promises, and what NIST asks for. */

const page = readFileSync(join(root, 'docs/brute-force.md'), 'utf8')
const seconds: Record<string, number> = { '15 minutes': 900, '1 hour': 3600 }

describe('the budgets', () => {
  it('are those of the table in docs/brute-force.md, each with its attempts and its time', () => {
    const promised = page
      .split('\n')
      .filter(line => line.startsWith('| `'))
      .flatMap(line => {
        const [, names = '', , attempts = '', time = ''] = line.split('|').map(cell => cell.trim())
        return names
          .split(', ')
          .map((name, at) => [
            name.replaceAll('`', ''),
            { most: Number(attempts.split(', ')[at] ?? attempts), seconds: seconds[time] },
          ])
      })
    expect(Object.fromEntries(promised)).toEqual(budgets)
    expect(longestSeconds).toBe(3600)
  })

  it('are charged by what an action is about', () => {
    expect(actions).toEqual({
      register: [['register', 'address']],
      token: [['one-time-token', 'address']],
      'factor-changes': [['factor-changes', 'user']],
      passkey: [['address', 'address']],
      mail: [
        ['mail-recipient', 'recipient'],
        ['mail-account', 'account'],
        ['mail-address', 'address'],
      ],
      reset: [
        ['reset-recipient', 'recipient'],
        ['mail-address', 'address'],
      ],
    })
  })

  it('let an account fail 100 times in a row (NIST SP 800-63B-4, 3.2.2), until 90 days have passed', () => {
    expect([mostFailures, failureDays]).toEqual([100, 90])
    expect(page).toContain(`At most ${mostFailures} failed attempts in a row for an account`)
    expect(page).toContain(`forgotten after ${failureDays} days`)
  })
})
