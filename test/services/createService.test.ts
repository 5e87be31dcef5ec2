import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { createService } from '../../src/services/createService.ts'
import { endService } from '../../src/services/endService.ts'
import { listServices } from '../../src/services/listServices.ts'
import { hashServiceSecret } from '../../src/tokens/serviceSecret.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
const parts = () => server.auth.parts
let made = 0
const newName = () => `service-${made++}`
const listed = async (name: string) => (await listServices(parts().db)).find(service => service.name === name)
const eventsOf = (name: string) =>
  server.rows<{ kind: string; actor_id: string | null; detail: string }>(
    sql`select kind, actor_id, detail from annul.audit_events where detail like ${`%service ${name}%`} order by id`,
  )

describe('createService', () => {
  it('makes a service with its first secret, of which only the hash is stored', async () => {
    const name = newName()
    const { secret, secretId, rights, isFurther } = await createService(parts(), {
      name,
      rights: ['introspect', 'feed', 'introspect'],
    })
    expect({ rights, isFurther }).toEqual({ rights: ['feed', 'introspect'], isFurther: false })
    expect(await listed(name)).toEqual({
      name,
      rights: ['feed', 'introspect'],
      createdAt: expect.any(Date),
      secrets: [{ id: secretId, createdAt: expect.any(Date) }],
    })
    const [row] = await server.rows<{ all: string; hash: string }>(
      sql`select row_to_json(s)::text as all, encode(hash, 'hex') as hash from annul.service_secrets s where id = ${secretId}`,
    )
    expect(row?.hash).toBe(hashServiceSecret(secret).toString('hex'))
    expect(row?.all).not.toContain(secret.slice(9, 30))
    const detail = `by the command; service ${name}; rights: feed introspect; secret ${secretId}`
    expect(await eventsOf(name)).toEqual([{ kind: 'create-service', actor_id: null, detail }])
  })

  it('gives a service that lives its second secret, with the same rights or none, and no third', async () => {
    const name = newName()
    const first = await createService(parts(), { name, rights: ['revoke'] })
    await expect(createService(parts(), { name, rights: ['revoke', 'feed'] })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'RIGHTS_DIFFER',
    })
    const second = await createService(parts(), { name })
    expect(second).toMatchObject({ isFurther: true, rights: ['revoke'] })
    expect((await listed(name))?.secrets.map(({ id }) => id)).toEqual([first.secretId, second.secretId])
    await expect(createService(parts(), { name, rights: ['revoke'] })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'TOO_MANY_SECRETS',
      message: expect.stringContaining(first.secretId),
    })
    expect(await eventsOf(name)).toHaveLength(2)
  })

  it('makes no third secret by commands at once', async () => {
    const name = newName()
    await createService(parts(), { name, rights: ['feed'] })
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => createService(parts(), { name })))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await listed(name))?.secrets).toHaveLength(2)
  })

  it.each([
    ['', ['feed'], 'NAME_INVALID'],
    ['Orders', ['feed'], 'NAME_INVALID'],
    ['orders:x', ['feed'], 'NAME_INVALID'],
    ['orders\n', ['feed'], 'NAME_INVALID'],
    ['a'.repeat(65), ['feed'], 'NAME_INVALID'],
    ['orders', [], 'RIGHTS_INVALID'],
    ['orders', null, 'RIGHTS_INVALID'],
    ['orders', ['admin'], 'RIGHTS_INVALID'],
    ['orders', ['feed', 'toString'], 'RIGHTS_INVALID'],
  ])('refuses the name %j with the rights %j, and changes nothing', async (name, rights, reason) => {
    const before = await listServices(parts().db)
    await expect(createService(parts(), { name, rights })).rejects.toMatchObject({ reason })
    expect(await listServices(parts().db)).toEqual(before)
  })
})

describe('endService', () => {
  it('ends one secret, and the service lives with the other', async () => {
    const name = newName()
    const first = await createService(parts(), { name, rights: ['feed'] })
    const second = await createService(parts(), { name })
    await endService(parts(), { name, secretId: first.secretId.toUpperCase() })
    expect((await listed(name))?.secrets.map(({ id }) => id)).toEqual([second.secretId])
    const { services } = server.auth
    expect(await services.find(first.secret)).toBeUndefined()
    expect(await services.find(second.secret)).toMatchObject({ name })
    expect((await eventsOf(name)).at(-1)).toMatchObject({
      kind: 'end-service',
      detail: `by the command; service ${name}; secret ${first.secretId}`,
    })
    // The place of the former secret is free for the next one.
    await createService(parts(), { name })
  })

  it('ends a service with all its secrets, and its name is free again', async () => {
    const name = newName()
    const before = [
      await createService(parts(), { name, rights: ['feed'] }),
      await createService(parts(), { name }),
    ]
    await endService(parts(), { name })
    expect(await listed(name)).toBeUndefined()
    for (const { secret } of before) expect(await server.auth.services.find(secret)).toBeUndefined()
    const next = await createService(parts(), { name, rights: ['revoke'] })
    expect(next).toMatchObject({ isFurther: false })
    for (const { secret } of before) expect(await server.auth.services.find(secret)).toBeUndefined()
    expect(await server.auth.services.find(next.secret)).toMatchObject({ name, rights: ['revoke'] })
  })

  it('refuses what is not there, and changes nothing', async () => {
    const [name, other] = [newName(), newName()]
    const { secretId } = await createService(parts(), { name, rights: ['feed'] })
    await createService(parts(), { name: other, rights: ['feed'] })
    const before = await listServices(parts().db)
    const notFound = { code: 'NOT_FOUND' }
    await expect(endService(parts(), { name: 'nobody' })).rejects.toMatchObject(notFound)
    // A secret of another service, too.
    await expect(endService(parts(), { name: other, secretId })).rejects.toMatchObject(notFound)
    await expect(endService(parts(), { name, secretId: 'x' })).rejects.toMatchObject({ reason: 'ID_INVALID' })
    await expect(endService(parts(), { name: 'No Name' })).rejects.toMatchObject({ reason: 'NAME_INVALID' })
    expect(await listServices(parts().db)).toEqual(before)
  })
})
