import { randomBytes } from 'node:crypto'
import { createHistogram } from 'node:perf_hooks'
import { Client } from 'undici'
import { answerCalls } from './calls.js'

/*
 * The process that sends. Each connection waits for its answer before it sends again. An answer that is not the
 * expected one ends the bench: errors are quick, and must not count as speed.
 */

let clients = []

answerCalls({
  async connect({ url, connections }) {
    await Promise.all(clients.map(client => client.close()))
    clients = Array.from({ length: connections }, () => new Client(url, { pipelining: 1 }))
  },

  /** Each connection sends its own of `requests` ({ body, headers, expected }), for `ms` or `times` in total. */
  repeat({ requests, ms, times }) {
    return measure({ ms, times }, async (client, index) => {
      const { body, headers, expected } = requests[index % requests.length]
      const answer = await send(client, body, headers)
      if (!answer.includes(expected)) throw new Error(`Expected ${expected} in ${answer}`)
    })
  },

  /** Each connection sends one request, all at the same moment. */
  once({ requests }) {
    return measure({ times: requests.length }, async (client, index) => {
      const { body, headers, expected } = requests[index]
      const answer = await send(client, body, headers)
      if (!answer.includes(expected)) throw new Error(`Expected ${expected} in ${answer}`)
    })
  },

  /** Each connection refreshes its own token, again and again. Answers with the tokens to go on with. */
  async rotate({ tokens, ms, times }) {
    const current = [...tokens]
    const measured = await measure({ ms, times }, async (client, index) => {
      const variables = { token: current[index], attempt: randomBytes(24).toString('base64url') }
      const answer = await send(client, JSON.stringify({ query: refreshMutation, variables }))
      const next = answer.match(/"refreshToken":"([^"]+)"/)?.[1]
      if (next === undefined || answer.includes('"errors"')) throw new Error(`No tokens in ${answer}`)
      current[index] = next
    })
    return { ...measured, tokens: current }
  },
})

const refreshMutation = `mutation Refresh($token: String!, $attempt: String!) {
  refresh(refreshToken: $token, attempt: $attempt) { accessToken expiresIn refreshToken }
}`

/** @returns {Promise<{ count: number, perSecond: number, p50: number, p99: number }>} milliseconds */
async function measure({ ms = Number.POSITIVE_INFINITY, times = Number.POSITIVE_INFINITY }, work) {
  const latencies = createHistogram()
  let begun = 0
  let count = 0
  const start = performance.now()
  await Promise.all(
    clients.map(async (client, index) => {
      while (begun < times && performance.now() - start < ms) {
        begun++
        const sentAt = performance.now()
        await work(client, index)
        latencies.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)))
        count++
      }
    }),
  )
  const perSecond = (count / (performance.now() - start)) * 1000
  const percentile = p => latencies.percentile(p) / 1000
  return { count, perSecond, p50: percentile(50), p99: percentile(99) }
}

function send(client, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const chunks = []
    client.dispatch(
      { path: '/graphql', method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData: (_, chunk) => chunks.push(chunk),
        onResponseEnd: () =>
          resolve(chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString()),
        onResponseError: (_, error) => reject(error),
      },
    )
  })
}
