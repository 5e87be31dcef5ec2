import { expect, it } from '@jest/globals'
import { must } from '../support/answers.ts'
import { openAdmin } from '../support/devices.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useVerifier } from '../support/verifier.ts'

const first = useServer()
const second = useSecondNode(first)
useVerifier(() => [first])

it('a verifier stands in the list of nodes, on every node', async () => {
  const { accessToken } = await openAdmin(first)
  const query = '{ nodes { kind name ageMs leaseMs since } }'
  for (const node of [first, second]) {
    const verifiers = async () =>
      must(
        await node.send<{ nodes: { kind: string; name: string | null }[] }>(query, { token: accessToken }),
      ).nodes.filter(({ kind }) => kind === 'VERIFIER')
    // Each node writes down every five seconds who follows it.
    const found = await until(verifiers, ({ length }) => length > 0)
    expect(found).toEqual([
      {
        kind: 'VERIFIER',
        name: expect.stringMatching(/^service-/),
        ageMs: expect.any(Number),
        leaseMs: first.auth.parts.config.leaseMs,
        since: expect.stringMatching(/Z$/),
      },
    ])
  }
})
