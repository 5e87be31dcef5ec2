import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import { rotateKeys } from '../../src/admin/rotateKeys.ts'
import { embeddedRevocation } from '../../src/revocation/embeddedRevocation.ts'
import { fenced } from '../../src/revocation/fence.ts'
import { expiredRevocations } from '../../src/revocation/purge.ts'
import { onPostgres } from '../support/database.ts'
import { openForge, refusal, type Verdict } from '../support/forge.ts'
import { startTestServer, type TestServer, useSecondNode, useServer } from '../support/server.ts'
import { openRaw } from '../support/socket.ts'
import { until } from '../support/until.ts'

const onlyPostgres = onPostgres ? it : it.skip
const refused = refusal('KEY_REVOKED', 'The key that signed this token was revoked.')
const me = '{ me { id } }'

const first = useServer()
const second = useSecondNode(first)
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string
const present = async (node: TestServer, token: string): Promise<Verdict> => {
  const { status, data, errors, headers } = await node.send(me, { token })
  return { status, data, errors, challenge: headers.get('www-authenticate') }
}

describe('a revoked key', () => {
  it('signs nothing and verifies nothing on any node when the verb has returned; sessions go on', async () => {
    const account = await first.signUp()
    const old = account.accessToken
    const forge = openForge(first, old)
    const forged = forge.make()
    // Remembered as verified, by both nodes.
    for (const node of [first, second])
      for (const token of [old, forged]) expect(await present(node, token)).toEqual(forge.accepted)

    const { kid, signer } = await revokeKey(first.auth.parts, undefined)
    expect(kid).toBe(kidOf(old))
    for (const node of [first, second]) {
      for (const token of [old, forged]) expect(await present(node, token)).toEqual(refused)
      const keys = await fetch(`${node.url}/.well-known/jwks.json`).then(answer => answer.json())
      expect(keys).not.toMatchObject({ keys: expect.arrayContaining([expect.objectContaining({ kid })]) })
    }

    // A refresh token is no work of a signing key.
    const refreshed = await second.refresh(account.refreshToken)
    const renewed = refreshed.data?.refresh.accessToken ?? ''
    expect(kidOf(renewed)).toBe(signer)
    for (const node of [first, second])
      expect((await node.send(me, { token: renewed })).data).toEqual({ me: { id: account.userId } })
  })

  it('is told of in the audit and in the log, whose entry no purge removes and every start reads', async () => {
    const { kid } = await revokeKey(first.auth.parts, undefined)
    const [event] = await first.rows(
      sql`select kind, detail, actor_id from annul.audit_events order by id desc limit 1`,
    )
    expect(event).toEqual({ kind: 'revoke-key', detail: kid, actor_id: null })
    await first.rows(
      sql`update annul.revocations set revoked_at = now() - interval '3 years' where subject = ${kid}`,
    )
    await first.rows(expiredRevocations(1000))
    const entry = await first.rows(
      sql`select kind, subject::text, reason from annul.revocations where subject = ${kid}`,
    )
    expect(entry).toEqual([{ kind: 'key', subject: kid, reason: 'KEY_REVOKED' }])

    if (onPostgres) {
      const late = await startTestServer({ database: first.database, env: first.env })
      await until(() => late.auth.parts.revocation.view.isKeyRevoked(kid))
      await late.close()
    }
    const embedded = embeddedRevocation(first.auth.parts.db, first.auth.parts.config)
    await embedded.start()
    expect(embedded.view.isKeyRevoked(kid)).toBe(true)
  })

  it('ends the sockets of its tokens before the verb returns', async () => {
    const { accessToken } = await first.signUp()
    const sockets = await Promise.all([first, second].map(({ url }) => openRaw(url)))
    for (const { send, heard } of sockets) {
      send({ type: 'connection_init', payload: { accessToken } })
      await heard(({ type }) => type === 'connection_ack')
    }
    await revokeKey(first.auth.parts, undefined)
    for (const { closed } of sockets) expect(await closed).toMatchObject({ code: 4401 })
  })

  onlyPostgres('keeps the verb waiting for a transaction that a token of it has begun', async () => {
    const { accessToken } = await first.signUp()
    const { parts } = second.auth
    const claims = parts.accessTokens.verify(accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    const viewer = { userId: claims.sub, sessionId: claims.sid, roles: [], claims }
    let finish = () => {}
    const open = new Promise<void>(resolve => {
      finish = resolve
    })
    let ended = false
    let hasLock = () => {}
    const locked = new Promise<void>(resolve => {
      hasLock = resolve
    })
    const transaction = fenced(parts, viewer, async () => {
      hasLock()
      await open
      ended = true
    })
    await locked
    let returned = false
    const revoked = revokeKey(first.auth.parts, undefined).then(() => {
      returned = true
      return ended
    })
    await until(async () => {
      const node = await second.send(me, { token: accessToken })
      return node.reason === 'KEY_REVOKED'
    })
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(returned).toBe(false)
    finish()
    await transaction
    expect(await revoked).toBe(true)
  })
})

describe('the key that is revoked', () => {
  const rowOf = async (kid: string) => {
    const [row] = await first.rows<Record<string, boolean>>(sql`
      select revoked_at is not null as revoked, retired_at <= now() as retired, signs_from <= now() as signs
      from annul.signing_keys where id = ${kid}`)
    return row
  }

  it('may be an announced one: then the announced one never signs', async () => {
    const announced = await rotateKeys(first.auth.parts)
    const { kid, signer } = await revokeKey(first.auth.parts, announced)
    expect(kid).toBe(announced)
    expect(await rowOf(announced)).toEqual({ revoked: true, retired: true, signs: false })
    expect(await rowOf(signer)).toEqual({ revoked: false, retired: null, signs: true })
    expect(kidOf((await first.signUp()).accessToken)).toBe(signer)
  })

  it('may be one that has stopped signing: then the one that signs goes on', async () => {
    const old = (await first.signUp()).accessToken
    const announced = await rotateKeys(first.auth.parts)
    await first.rows(sql`
      update annul.signing_keys set signs_from = now() - interval '1 minute' where id = ${announced}`)
    await first.rows(sql`
      update annul.signing_keys set retired_at = now() - interval '1 minute' where id = ${kidOf(old)}`)
    const { kid, signer } = await revokeKey(first.auth.parts, kidOf(old))
    expect([kid, signer]).toEqual([kidOf(old), announced])
    expect(await present(first, old)).toEqual(refused)
    expect(kidOf((await first.signUp()).accessToken)).toBe(announced)
  })

  it.each([
    ['unknown', () => randomUUID(), 'There is no signing key '],
    ['no id at all', () => "x' or true", 'There is no signing key '],
  ])('can not be %s: nothing changes', async (_, kid, message) => {
    const rows = () => first.rows(sql`select id, revoked_at, retired_at from annul.signing_keys order by id`)
    const before = await rows()
    await expect(revokeKey(first.auth.parts, kid())).rejects.toThrow(message)
    expect(await rows()).toEqual(before)
  })

  it('can not be revoked twice', async () => {
    const { kid } = await revokeKey(first.auth.parts, undefined)
    await expect(revokeKey(first.auth.parts, kid)).rejects.toThrow(
      `The signing key ${kid} was revoked already.`,
    )
  })
})
