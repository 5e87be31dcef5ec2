import { describe, expect, it } from '@jest/globals'
import { serverAudits } from 'graphql-http'
import { useServer } from '../support/server.ts'

/* GraphQL over HTTP: the audits of graphql-http, which has them for any server. */

const server = useServer()
/** A GET carries the header that a page of another origin can't send unasked. Without it GETs are refused (CSRF). */
const fetchFn = (url: string, init: RequestInit = {}) => {
  const headers = init.method === 'POST' ? init.headers : { ...init.headers, 'apollo-require-preflight': '1' }
  return fetch(url, { ...init, ...(headers && { headers }) })
}
const audits = serverAudits({ url: () => `${server.url}/graphql`, fetchFn })

describe('Annul’s own server passes the audit', () => {
  it.each(audits.map(audit => [audit.id, audit.name, audit] as const))(
    '%s: %s',
    async (_id, _name, audit) => {
      const result = await audit.fn()
      expect(result).toMatchObject({ status: 'ok' })
    },
  )
})

it('There are 13 audits of the kind MUST and at least 23 of the kind SHOULD, three that are often missed among them', () => {
  const ofKind = (kind: string) => audits.filter(({ name }) => name.startsWith(kind)).length
  expect(ofKind('MUST')).toBe(13)
  expect(ofKind('SHOULD')).toBeGreaterThanOrEqual(23)
  expect(audits.map(({ id }) => id)).toEqual(expect.arrayContaining(['572B', 'FDE2', '7B9B']))
})
