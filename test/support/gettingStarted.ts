import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { listenWith } from '../servers/contract/listenWith.ts'
import { createClient } from './client.ts'
import { root } from './imports.ts'
import { type Packed, run } from './packed.ts'
import { until } from './until.ts'

interface Block {
  readonly language: string
  readonly text: string
}

const adminPassword = 'the password of an admin in the tests'

/**
 * Does what docs/getting-started.md says, from its first line to its last, in an empty folder with the packed package.
 * Of the page in the browser only what it sends is done here: test/console/ looks at the page.
 */
export async function followGettingStarted(packed: Packed): Promise<void> {
  const page = await readFile(join(root, 'docs/getting-started.md'), 'utf8')
  const { url, close } = await listenWith(() => {})
  await close()
  const { port } = new URL(url)
  const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', text = '']): Block => ({ language, text: text.replaceAll(':4000', `:${port}`) }),
  )
  const folder = join(packed.dir, 'getting-started')
  await mkdir(folder)
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, PORT: port }
  const running: { readonly child: ChildProcess; readonly written: () => string }[] = []
  let answer = ''

  const shell = async (text: string): Promise<void> => {
    const command = text
      .trim()
      .replace('npm install annul ', `npm install --prefer-offline --no-audit --no-fund ${packed.tarball} `)
    if (command.startsWith('node ')) {
      const child = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, env })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          output += chunk
        })
      running.push({ child, written: () => output })
      return
    }
    const executed = run('bash', ['-euc', command], { cwd: folder, env })
    executed.child.stdin?.end(`${adminPassword}\n`)
    answer = (await executed).stdout
  }

  try {
    for (const { language, text } of blocks)
      if (language === 'sh') await shell(text)
      else if (language === 'js') await writeFile(join(folder, /^\/\/ (\S+)/.exec(text)?.[1] ?? ''), text)
      else if (language === 'json') expect(JSON.parse(answer)).toEqual(JSON.parse(text))
      else {
        const last = text.trim().split('\n').at(-1) ?? ''
        if (last.startsWith('Signed out')) await endSessions(`http://127.0.0.1:${port}`)
        const shown = withoutChance(text.trim())
        await until(() => withoutChance(running.at(-1)?.written() ?? '').includes(shown), Boolean, 60_000)
      }
    const [server, client] = running.map(({ child }) => child)
    await until(() => client?.exitCode === 0)
    expect(server?.exitCode).toBe(null)
  } finally {
    for (const { child } of running) {
      if (child.exitCode !== null) continue
      child.kill()
      await once(child, 'exit')
    }
  }
}

const withoutChance = (text: string) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')

/** What the console sends for the steps of the page. */
async function endSessions(url: string): Promise<void> {
  const client = createClient(url)
  const { accessToken: token } = await client.login({ email: 'you@example.com', password: adminPassword })
  const found = await client.send<{
    users: { edges: { node: { id: string } }[] }
    nodes: { kind: string }[]
  }>('{ users(search: "ada@example.com") { edges { node { id } } } nodes { kind } }', { token })
  expect(found.data?.nodes).toEqual([{ kind: 'AUTH' }])
  const id = found.data?.users.edges[0]?.node.id
  const ended = await client.send('mutation ($id: ID!) { revokeUserSessions(id: $id) { id } }', {
    token,
    variables: { id },
  })
  expect(ended.data).toEqual({ revokeUserSessions: { id } })
}
