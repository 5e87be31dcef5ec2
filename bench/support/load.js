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
  /** Of several servers, each gets its share of the connections. */
  async connect({ url, urls = [url], connections }) {
    await Promise.all(clients.map(client => client.close()))
    clients = Array.from({ length: connections }, (_, index) => open(urls[index % urls.length]))
  },

  /**
   * Each connection sends its own of `requests` ({ body, headers, expected }), for `ms` or `times` in total, and rests
   * for `pauseMs` before each.
   */
  repeat({ requests, ms, times, pauseMs }) {
    return measure({ ms, times, pauseMs }, async (client, index) => {
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

  /**
   * Logs sessions out, so many at once, at one node after the other. With `question`, a field's request, both this and
   * the next node are asked before it, and at once after it, with the same token.
   *
   * @returns how often it was accepted after the logout had returned, and how long the logouts took
   */
  async logOut({ urls, sessions, workers, pauseMs = 0, question }) {
    const found = { acceptedThere: 0, acceptedHere: 0, refused: 0 }
    const milliseconds = []
    const waits = []
    const nodes = Array.from({ length: workers }, () => urls.map(open))
    let next = 0
    const start = performance.now()
    await Promise.all(
      nodes.map(async clients => {
        for (let index = next++; index < sessions.length; index = next++) {
          const { headers, logout } = sessions[index]
          const here = clients[index % clients.length]
          const there = clients[(index + 1) % clients.length]
          const ask = client => send(client, question.body, headers)
          if (question)
            for (const answer of [await ask(here), await ask(there)])
              if (!answer.includes(question.expected)) throw new Error(`Refused before the logout: ${answer}`)
          if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs * 2 * Math.random()))
          const sentAt = performance.now()
          const answer = await send(here, logout.body, headers, logout.path)
          milliseconds.push(performance.now() - sentAt)
          waits.push(Number(answer.match(/"revokedOnAllNodesMs":([\d.]+)/)?.[1] ?? 0))
          if (!answer.includes(logout.expected)) throw new Error(`Not logged out: ${answer}`)
          if (!question) continue
          const [fromThere, fromHere] = await Promise.all([ask(there), ask(here)])
          for (const [answer, kind] of [
            [fromThere, 'acceptedThere'],
            [fromHere, 'acceptedHere'],
          ]) {
            if (answer.includes(question.expected)) found[kind]++
            else if (answer.includes('UNAUTHENTICATED')) found.refused++
            else throw new Error(`Neither accepted nor refused: ${answer}`)
          }
        }
      }),
    )
    const perSecond = (sessions.length / (performance.now() - start)) * 1000
    await Promise.all(nodes.flat().map(client => client.close()))
    return { ...found, perSecond, milliseconds, waits }
  },
})

function open(url) {
  return new Client(url, { pipelining: 1 })
}

const refreshMutation = `mutation Refresh($token: String!, $attempt: String!) {
  refresh(refreshToken: $token, attempt: $attempt) { accessToken expiresIn refreshToken }
}`

/** @returns {Promise<{ count: number, perSecond: number, p50: number, p99: number }>} milliseconds */
async function measure(
  { ms = Number.POSITIVE_INFINITY, times = Number.POSITIVE_INFINITY, pauseMs = 0 },
  work,
) {
  const latencies = createHistogram()
  let begun = 0
  let count = 0
  const start = performance.now()
  await Promise.all(
    clients.map(async (client, index) => {
      while (begun < times && performance.now() - start < ms) {
        begun++
        if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs))
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

function send(client, body, headers = {}, path = '/graphql') {
  return new Promise((resolve, reject) => {
    const chunks = []
    client.dispatch(
      { path, method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body },
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
