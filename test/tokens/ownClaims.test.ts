import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import type { AppUser } from '../../src/app/user.ts'
import type { UserRow } from '../../src/database/rows.ts'
import { ownClaims, reservedNames } from '../../src/tokens/ownClaims.ts'

/* What an app may put into an access token, by itself. In the tokens of a server: test/app/claims.test.ts. */

const user: AppUser = {
  id: '0b0e7a52-3c6f-4d3b-9b5e-2f0d3a1c4e5f',
  email: 'ada@example.com',
  emailVerified: true,
  roles: ['editor'],
  scopes: ['read'],
  createdAt: new Date(0),
}
const row = user as unknown as UserRow
const of = (made: unknown) => ownClaims(() => made, row as never)
/** A value within so many lists. */
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
/** A text, with which the claims are so many bytes of JSON. */
const ofBytes = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) })

describe('an app’s claims', () => {
  it('are none where the app has no such option, and those that its function returns', () => {
    expect(ownClaims(undefined, row as never)).toBeUndefined()
    expect(of({})).toEqual({})
    let seen: AppUser | undefined
    const made = ownClaims(given => {
      seen = given
      return { team: given.email }
    }, row as never)
    expect([made, seen?.id]).toEqual([{ team: user.email }, user.id])
  })

  it('are a copy of what JSON can say', () => {
    const given = {
      text: 'text',
      number: -1.5,
      yes: true,
      no: false,
      nothing: null,
      list: [1, ['two'], { three: 3 }],
      object: { of: { objects: [] } },
      empty: '',
    }
    const made = of(given)
    expect(made).toEqual(given)
    for (const name of ['list', 'object']) expect(made?.[name]).not.toBe(given[name as 'list'])
    expect((made as typeof given | undefined)?.object.of).not.toBe(given.object.of)
    // Of another realm, as a module of a test runner or a sandbox has them.
    const foreign = runInContext('({ a: { b: [1] } })', createContext({}))
    expect(JSON.stringify(of(foreign))).toBe('{"a":{"b":[1]}}')
    expect(of(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'text'],
    ['7', 7],
    ['NaN', Number.NaN],
    ['a boolean', true],
    ['a function', () => {}],
    ['a symbol', Symbol('a')],
    ['a list', [{ a: 1 }]],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a promise', Promise.resolve({})],
    ['a Own', new (class Own {})()],
    ['a foreign object', Object.create(Object.create(Object.create(null)))],
  ])('are a plain object, and not %s', (name, made) => {
    expect(() => of(made)).toThrow(new Error(`The option "claims" returned ${name}, not a plain object.`))
  })

  it.each<[string, string, unknown]>([
    ['a', 'undefined', { a: undefined }],
    ['a', 'NaN', { a: Number.NaN }],
    ['a', '-Infinity', { a: Number.NEGATIVE_INFINITY }],
    ['a', 'a bigint', { a: 1n }],
    ['a', 'a function', { a: () => {} }],
    ['a', 'a Date', { a: new Date(0) }],
    ['a', 'a promise', { a: Promise.resolve() }],
    ['a.b', 'a symbol', { a: { b: Symbol('b') } }],
    ['a[1]', 'undefined', { a: [1, undefined] }],
    ['a[0]', 'undefined', { a: Array(1) }],
    ['a[2].b[0].c', 'a Set', { a: [1, 2, { b: [{ c: new Set() }] }] }],
  ])('have at %s nothing such as %s', (path, name, made) => {
    expect(() => of(made)).toThrow(
      new Error(`The option "claims" returned a claim "${path}" that is ${name}, which JSON has not.`),
    )
  })

  it('are no promise that is rejected, which would end the process', async () => {
    const rejected = () => Promise.reject(new Error('Nobody awaits this.'))
    expect(() => of(rejected())).toThrow('The option "claims" returned a promise, not a plain object.')
    expect(() => of({ a: rejected() })).toThrow(
      'The option "claims" returned a claim "a" that is a promise, which JSON has not.',
    )
    // Long enough for the process to hear of a rejection that nobody handles.
    await new Promise(resolve => setImmediate(resolve))
  })

  it.each([
    ...['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'jti', 'cnf', 'sid', 'ver', 'epoch', 'roles'],
    ...['mfa_roles', 'scope', 'auth_time', 'nbf', 'acr', 'amr', 'groups', 'entitlements', 'scopes'],
  ])('have no claim %s, which has another meaning', name => {
    expect(reservedNames).toContain(name)
    expect(() => of({ ok: 1, [name]: 'x' })).toThrow(
      new Error(`The option "claims" returned a claim "${name}" that has a reserved name.`),
    )
    // Deeper it is the app's own.
    expect(of({ own: { [name]: 'x' } })).toEqual({ own: { [name]: 'x' } })
  })

  it('have 21 reserved names, each once', () => {
    expect([reservedNames.length, new Set(reservedNames).size]).toEqual([21, 21])
  })

  it('have no name that would change the prototype of the copy', () => {
    const message = (path: string) =>
      new Error(`The option "claims" returned a claim "${path}" that has a name that is refused.`)
    expect(() => of(JSON.parse('{"__proto__": {"a": 1}}'))).toThrow(message('__proto__'))
    expect(() => of({ a: [JSON.parse('{"__proto__": 1}')] })).toThrow(message('a[0].__proto__'))
    expect(of({ constructor: 1, prototype: 2 })).toEqual({ constructor: 1, prototype: 2 })
  })

  it('are at most 10 levels deep, a circle among them', () => {
    expect(of({ a: nested(11) })).toEqual({ a: nested(11) })
    expect(() => of({ a: nested(12) })).toThrow(
      new Error(`The option "claims" returned a claim "a${'[0]'.repeat(11)}" that has more than 10 levels.`),
    )
    const circle: Record<string, unknown> = {}
    circle.a = { circle }
    expect(() => of(circle)).toThrow(/that has more than 10 levels\.$/)
    const list: unknown[] = []
    list.push(list)
    expect(() => of({ list })).toThrow(/that has more than 10 levels\.$/)
  })

  it('are at most 1000 bytes of JSON, and the largest is named', () => {
    expect(of(ofBytes(1000))).toEqual(ofBytes(1000))
    expect(() => of({ ...ofBytes(500), b: 'x'.repeat(600), c: 1 })).toThrow(
      new Error(
        'The option "claims" returned 1113 bytes of JSON, and at most 1000 are allowed; the largest is "b".',
      ),
    )
    expect(() => of(ofBytes(1001))).toThrow(/returned 1001 bytes/)
    // In bytes, not in letters.
    expect(() => of({ a: 'é'.repeat(600) })).toThrow(/returned 1208 bytes/)
  })

  it('are named in a message by 100 letters at most', () => {
    const name = 'n'.repeat(300)
    expect(() => of({ [name]: new Date(0) })).toThrow(
      new Error(
        `The option "claims" returned a claim "${name.slice(0, 100)}" that is a Date, which JSON has not.`,
      ),
    )
    expect(() => of({ [name]: 'x'.repeat(1000) })).toThrow(
      new RegExp(`the largest is "${name.slice(0, 100)}"\\.$`),
    )
  })

  it('that could not be made are told as a failure of the option, with its cause', () => {
    const cause = new Error('The teams are not there.')
    const failure = attempt(() =>
      ownClaims(() => {
        throw cause
      }, row as never),
    )
    expect([failure?.message, failure?.cause]).toEqual(['The option "claims" threw an error.', cause])
    expect(failure?.constructor.name).toBe('ClaimsError')
    // A getter is the app's code, too.
    const getter = attempt(() =>
      of(
        Object.defineProperty({}, 'a', {
          enumerable: true,
          get: () => {
            throw cause
          },
        }),
      ),
    )
    expect([getter?.message, getter?.cause]).toEqual(['The option "claims" threw an error.', cause])
  })
})

function attempt(work: () => unknown): Error | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return error as Error
  }
}
