import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { deviceTokens } from '../../src/tokens/deviceToken.ts'

const secret = randomBytes(32)
const tokens = deviceTokens(secret)
const [ada, bob] = ['ada@example.com', 'bob@example.com']

const device = tokens.remember(tokens.create(), ada)
const token = tokens.write(device)

describe('a device token', () => {
  it('is read as it was written, and knows the accounts that have signed in', () => {
    expect(tokens.read(token)).toEqual(device)
    expect([tokens.knows(device, ada), tokens.knows(device, bob)]).toEqual([true, false])
    const both = tokens.remember(device, bob)
    expect([tokens.knows(both, ada), tokens.knows(both, bob)]).toEqual([true, true])
    expect(deviceTokens(secret).read(token)).toEqual(device)
  })

  it('is another one for each device', () => {
    const ids = Array.from({ length: 100 }, () => tokens.create().id)
    expect(new Set(ids).size).toBe(100)
    expect(ids.every(id => /^[\w-]{22}$/.test(id))).toBe(true)
  })

  it('keeps the eight accounts that came last, each once', () => {
    let known = tokens.create()
    const accounts = Array.from({ length: 9 }, (_, index) => `user${index}@example.com`)
    for (const account of [...accounts, ...accounts.slice(5)]) known = tokens.remember(known, account)
    expect(known.proofs).toHaveLength(8)
    expect(accounts.map(account => tokens.knows(known, account))).toEqual([false, ...Array(8).fill(true)])
    expect(tokens.read(tokens.write(known))).toEqual(known)
  })

  it('tells neither the account nor whether two devices have the same', () => {
    const other = tokens.remember(tokens.create(), ada)
    expect(other.proofs).not.toEqual(device.proofs)
    for (const encoding of ['utf8', 'hex', 'base64url'] as const)
      expect(token).not.toContain(Buffer.from(ada).toString(encoding))
  })

  it('with the proof of another device knows nobody', () => {
    const stranger = tokens.create()
    const pasted = tokens.read(tokens.write({ id: stranger.id, proofs: device.proofs }))
    expect(pasted?.id).toBe(stranger.id)
    expect(pasted && tokens.knows(pasted, ada)).toBe(false)
  })

  it('that was cut at a proof is the same device, which knows less', () => {
    const cut = tokens.read(token.slice(0, token.lastIndexOf('.')))
    expect(cut).toEqual({ id: device.id, proofs: [] })
  })

  it('is refused whichever of its letters is changed, and at every other length', () => {
    const [letters, dot] = [45, token.indexOf('.')]
    for (let at = 0; at < 'annul_d_'.length + letters; at++) {
      const letter = token[at] === 'A' ? 'B' : 'A'
      expect(tokens.read(token.slice(0, at) + letter + token.slice(at + 1))).toBeUndefined()
    }
    for (let length = 0; length < token.length; length++)
      if (length !== 'annul_d_'.length + letters) expect(tokens.read(token.slice(0, length))).toBeUndefined()
    for (const text of [
      `${token}A`,
      `${token}.`,
      `${token}\n`,
      ` ${token}`,
      `${token}=`,
      token.toUpperCase(),
    ])
      expect(tokens.read(text)).toBeUndefined()
    expect(dot).toBe('annul_d_'.length + 22)
  })

  it('of more than eight proofs is refused', () => {
    const proofs = Array<string>(9).fill(device.proofs[0] ?? '')
    expect(tokens.read(tokens.write({ id: device.id, proofs }))).toBeUndefined()
  })

  it('of another secret is refused, and its proofs are worth nothing', () => {
    const foreign = deviceTokens(randomBytes(32))
    expect(foreign.read(token)).toBeUndefined()
    expect(tokens.read(foreign.write(foreign.create()))).toBeUndefined()
    const proof = foreign.remember(device, bob).proofs[0] ?? ''
    expect(tokens.knows({ id: device.id, proofs: [proof] }, bob)).toBe(false)
  })

  it('of the previous secret is known while the secret changes, until it is remembered by the present one', () => {
    const present = randomBytes(32)
    const changing = deviceTokens(present, secret)
    expect(changing.read(token)).toEqual(device)
    expect([changing.knows(device, ada), changing.knowsLastingly(device, ada)]).toEqual([true, false])
    const renewed = changing.remember(device, ada)
    expect(renewed.proofs).toHaveLength(1)
    expect([changing.knows(renewed, ada), changing.knowsLastingly(renewed, ada)]).toEqual([true, true])
    const after = deviceTokens(present)
    expect(after.read(changing.write(renewed))).toEqual(renewed)
    expect([after.knows(renewed, ada), after.knows(device, ada), after.read(token)]).toEqual([
      true,
      false,
      undefined,
    ])
  })
})
