import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { AuthError, unauthenticated } from '../../src/errors.ts'
import { adminsOnly, check, type Guarded } from '../../src/graphql/meets.ts'
import type { Requirement } from '../../src/graphql/requirements.ts'

/* What the guards of a field ask of a viewer, without a server: secondFactor.test.ts has the table, over HTTP. */

const time = 1_800_000_000
const viewer = (change: Partial<Guarded> = {}, claims: Partial<Guarded['claims']> = {}): Guarded => ({
  roles: ['editor'],
  scopes: ['read'],
  ...change,
  claims: { auth_time: time, ...claims },
})
/** What is thrown, as a client reads it; undefined: whoever asks may pass. */
function refusal(decision: Guarded | AuthError, requirements: readonly Requirement[], now = time): unknown {
  try {
    check(decision, requirements, { now: () => now })
    return undefined
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return { code: error.code, ...error.details }
  }
}
const wants = (details: object) => ({
  code: 'REAUTHENTICATION_REQUIRED',
  ...details,
  recover: 'REAUTHENTICATE',
})

describe('the guards of a field', () => {
  it('refuse whoever was refused before, with the same error', () => {
    const error = unauthenticated('LOGGED_OUT')
    for (const requirements of [[], [{}], [{ mfa: true }]])
      expect(() => check(error, requirements, { now: () => time })).toThrow(error)
  })

  it('take a proof that is exactly as old as it may be', () => {
    const recent = [{ maxAge: 300 }]
    expect(refusal(viewer(), recent, time + 300)).toBeUndefined()
    expect(refusal(viewer(), recent, time + 300.5)).toEqual(wants({ maxAge: 300 }))
    expect(refusal(viewer({}, { auth_time: 0 }), [{ maxAge: time }])).toBeUndefined()
  })

  it('ask for all that is wanted of one proof, by the strictest of them', () => {
    const several = [{ maxAge: 300 }, { mfa: true }, { maxAge: 60 }, { mfa: false }, {}]
    expect(refusal(viewer(), several)).toEqual(wants({ maxAge: 60, mfa: true }))
    expect(refusal(viewer({}, { amr: ['mfa'] }), several)).toBeUndefined()
    expect(refusal(viewer({}, { amr: ['mfa'] }), several, time + 61)).toEqual(
      wants({ maxAge: 60, mfa: true }),
    )
    expect(refusal(viewer(), [{ mfa: true }])).toEqual(wants({ mfa: true }))
    expect(refusal(viewer(), [{ mfa: false }])).toBeUndefined()
  })

  it('name the guard that forbids, and no other', () => {
    const requirements = [
      { roles: ['editor'] },
      { roles: ['chief'], scopes: [['write']], mfa: true, maxAge: 1 },
    ]
    expect(refusal(viewer(), requirements)).toEqual({
      code: 'FORBIDDEN',
      required: { roles: ['chief'], scopes: [['write']] },
    })
    expect(refusal(viewer(), [{ scopes: [['write'], ['read', 'write']] }])).toEqual({
      code: 'FORBIDDEN',
      required: { scopes: [['write'], ['read', 'write']] },
    })
  })

  it('of Annul’s own admins are those of the role alone', () => {
    expect(refusal(viewer({ roles: ['admin'] }), adminsOnly)).toBeUndefined()
    expect(refusal(viewer(), adminsOnly)).toEqual({ code: 'FORBIDDEN', required: { roles: ['admin'] } })
    expect(refusal(viewer({}, { mfa_roles: ['admin'] }), adminsOnly)).toEqual(wants({ mfa: true }))
  })

  it('agree with what their arguments say, for every viewer', () => {
    const names = fc.subarray(['a', 'b', 'c'])
    const some = fc.subarray(['a', 'b', 'c'], { minLength: 1 })
    const requirement: fc.Arbitrary<Requirement> = fc.record(
      {
        roles: some,
        scopes: fc.array(some, { minLength: 1, maxLength: 2 }),
        maxAge: fc.integer({ min: 1, max: 5 }),
        mfa: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    const proofs = fc.option(fc.subarray(['pwd', 'otp', 'mfa']), { nil: undefined })
    const codes = new Set<string>()
    fc.assert(
      fc.property(
        fc.array(requirement, { maxLength: 3 }),
        fc.record({ roles: names, withheld: names, scopes: names, amr: proofs, age: fc.nat({ max: 6 }) }),
        (requirements, { roles, withheld, scopes, amr, age }) => {
          const claims = { auth_time: time - age, amr, ...(withheld.length > 0 && { mfa_roles: withheld }) }
          const found = refusal({ roles, scopes, claims }, requirements) as { code: string } | undefined
          const overlaps = (one: readonly string[], other: readonly string[]) =>
            new Set([...one, ...other]).size < one.length + other.length
          const forbidden = requirements.some(
            required =>
              (required.roles && !overlaps(required.roles, roles) && !overlaps(required.roles, withheld)) ||
              (required.scopes &&
                !required.scopes.some(all => new Set([...all, ...scopes]).size === scopes.length)),
          )
          const mfa = requirements.some(
            required => required.mfa || (required.roles && !overlaps(required.roles, roles)),
          )
          const withhelds = requirements.some(required => required.roles && !overlaps(required.roles, roles))
          const maxAge = Math.min(
            ...requirements.map(required => required.maxAge ?? Number.POSITIVE_INFINITY),
          )
          const unproved =
            age > maxAge ||
            withhelds ||
            (requirements.some(required => required.mfa) && !amr?.includes('mfa'))
          codes.add(found?.code ?? 'passes')
          if (forbidden) expect(found).toMatchObject({ code: 'FORBIDDEN' })
          else
            expect(found).toEqual(
              unproved
                ? wants({ ...(Number.isFinite(maxAge) && { maxAge }), ...(mfa && { mfa }) })
                : undefined,
            )
        },
      ),
      { numRuns: 2000 },
    )
    expect(codes.size).toBe(3)
  })
})
