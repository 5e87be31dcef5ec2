import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { type NodeProcess, newSecret, startNode } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

/* What 1,000 sockets that ask and never read take of a node, on a real process. */

const addresses = 10
const socketsEach = 100
const attackMs = 12_000
const maxGrowthMiB = 100
/** Beats come three times as often. */
const leaseMs = 2000
const strictDecisions = 'annul_decisions_total{path="strict",outcome="accepted"}'

let node: NodeProcess
const children: ChildProcess[] = []
beforeAll(async () => {
  const { env } = await createDatabase()
  node = await startNode({ ANNUL_SECRET: newSecret(), ANNUL_LEASE_MS: String(leaseMs), ...env })
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await node.stop('SIGKILL')
})

function residentMiB(): number {
  const status = readFileSync(`/proc/${node.process.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
}

async function metrics(): Promise<Map<string, number>> {
  const text = await (await fetch(`${node.url}/metrics`)).text()
  return new Map(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

/** Starts the clients. @returns how many are connected, and how often one was cut off, as of now */
async function startAttack(): Promise<{ now(): { connected: number; cutOff: number } }> {
  const script = fileURLToPath(new URL('../support/neverReads.js', import.meta.url))
  const counts = [new URL(node.url).port, addresses, socketsEach].map(String)
  const child = spawn(process.execPath, [script, ...counts], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let latest = [0, 0]
  let hadAll = false
  createInterface({ input: child.stdout }).on('line', line => {
    latest = line.split(' ').map(Number)
    hadAll ||= latest[0] === addresses * socketsEach
  })
  const now = () => ({ connected: latest[0] ?? 0, cutOff: latest[1] ?? 0 })
  await until(() => hadAll, Boolean, 40_000)
  return { now }
}

it('1,000 sockets that never read leave a node its memory and its fresh view', async () => {
  const { accessToken } = await node.signUp()
  const me = () => node.send('{ me { id } }', { token: accessToken })
  for (let count = 0; count < 200; count++) await me()
  await delay(leaseMs)
  const idleMiB = residentMiB()
  const before = await metrics()

  const attack = await startAttack()
  const end = performance.now() + attackMs
  const ages: number[] = []
  const sizes: number[] = []
  while (performance.now() < end) {
    expect((await me()).status).toBe(200)
    ages.push((await metrics()).get('annul_view_age_seconds') ?? Number.NaN)
    sizes.push(residentMiB())
    await delay(100)
  }
  const after = await metrics()

  // The attack was one: some were cut off, which held most.
  expect(attack.now().cutOff).toBeGreaterThan(0)
  expect(Math.max(...sizes) - idleMiB).toBeLessThan(maxGrowthMiB)
  // Fresh whenever it was asked, and no decision was the database's.
  expect(Math.max(...ages)).toBeLessThan(leaseMs / 1000)
  expect(after.get(strictDecisions)).toBe(before.get(strictDecisions))
}, 120_000)
