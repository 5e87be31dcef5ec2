import { randomBytes, randomUUID } from 'node:crypto'
import { type Ceremony, challengeSeconds, passkeyChallenges } from '../../src/factors/passkeyChallenge.ts'
import type { TestServer } from '../support/server.ts'

/** A challenge that is not, or no longer, the one that an answer in the session wants. */
export interface OpenedChallenge {
  readonly id: string
  /** As the client signs it. */
  readonly challenge: string
}

type Open = (
  node: TestServer,
  account: { readonly session: { readonly id: string } },
  ceremony: Ceremony,
) => Promise<OpenedChallenge> | OpenedChallenge

const text = ({ id, challenge }: { id: string; challenge: Uint8Array }): OpenedChallenge => ({
  id,
  challenge: Buffer.from(challenge).toString('base64url'),
})
const made = (node: TestServer, ceremony: Ceremony, bound: string, ageSeconds = 0) => {
  const { passkeyChallenges, clock } = node.auth.parts
  return text(passkeyChallenges.make(ceremony, bound, clock.now() - ageSeconds))
}
/** Changes the bytes of an id. */
const edited = ({ id, challenge }: OpenedChallenge, edit: (bytes: Buffer) => void): OpenedChallenge => {
  const bytes = Buffer.from(id, 'base64url')
  edit(bytes)
  return { id: bytes.toString('base64url'), challenge }
}

/** Challenges that a proof in a session, and a new passkey in it, refuse. */
export const challenges: readonly (readonly [attack: string, open: Open])[] = [
  [
    'the challenge of the other ceremony',
    (node, { session }, ceremony) =>
      made(node, ceremony === 'webauthn.get' ? 'webauthn.create' : 'webauthn.get', `session ${session.id}`),
  ],
  [
    'the challenge of another session',
    (node, _, ceremony) => made(node, ceremony, `session ${randomUUID()}`),
  ],
  ['the challenge of a login', (node, _, ceremony) => made(node, ceremony, `login ${randomUUID()}`)],
  [
    'the challenge of a login with the id of the session',
    (node, { session }, ceremony) => made(node, ceremony, `login ${session.id}`),
  ],
  ['the challenge of a sign-in', (node, _, ceremony) => made(node, ceremony, 'sign-in')],
  [
    'an expired challenge',
    (node, { session }, ceremony) => made(node, ceremony, `session ${session.id}`, challengeSeconds + 1),
  ],
  [
    'an expired challenge whose id says otherwise',
    (node, { session }, ceremony) =>
      edited(made(node, ceremony, `session ${session.id}`, challengeSeconds + 1), bytes => {
        bytes.writeUInt32BE(bytes.readUInt32BE(16) + 3600, 16)
      }),
  ],
  [
    'a challenge with the id of another one',
    (node, { session }, ceremony) => ({
      ...made(node, ceremony, `session ${session.id}`),
      id: made(node, ceremony, `session ${session.id}`).id,
    }),
  ],
  [
    'a challenge whose id is spelled otherwise',
    (node, { session }, ceremony) => {
      const { id, challenge } = made(node, ceremony, `session ${session.id}`)
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const last = letters[letters.indexOf(id.slice(-1)) ^ 1]
      return { id: id.slice(0, -1) + last, challenge }
    },
  ],
  [
    'a challenge whose id is padded',
    (node, { session }, ceremony) => {
      const { id, challenge } = made(node, ceremony, `session ${session.id}`)
      return { id: `${id}=`, challenge }
    },
  ],
  [
    'a challenge that was made up',
    () => text({ id: randomBytes(20).toString('base64url'), challenge: randomBytes(32) }),
  ],
  ['an empty id', () => text({ id: '', challenge: randomBytes(32) })],
  ['an id of 50 kB', () => text({ id: 'A'.repeat(50_000), challenge: randomBytes(32) })],
  [
    'the challenge of another server',
    (node, { session }, ceremony) => {
      const others = passkeyChallenges(randomBytes(32))
      return text(others.make(ceremony, `session ${session.id}`, node.auth.parts.clock.now()))
    },
  ],
]
