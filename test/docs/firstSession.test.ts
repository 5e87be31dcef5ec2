import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { temporaryDirectory } from '../support/database.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

/** The commands of docs/first-session.md, and the answers that stand below them. */
function firstSession(): { commands: string[]; answers: string[] } {
  const page = readFileSync('docs/first-session.md', 'utf8')
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1] ?? '')
  return { commands: blocks('bash'), answers: blocks('json') }
}

/** What differs from run to run. */
function withoutChance(text: string): string {
  return text
    .replace(/eyJ[\w.…-]+/g, 'ACCESS_TOKEN')
    .replace(/annul_rt_[\w-]+/g, 'REFRESH_TOKEN')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/("revokedOnAllNodesMs":)[\d.]+/g, '$1MS')
}

/** Runs these commands in a directory of their own, against the test's server. @returns the lines that they print */
async function run(commands: string[]): Promise<string[]> {
  const script = commands.join('\n').replaceAll('http://127.0.0.1:4000', server.url)
  const cwd = await temporaryDirectory()
  writeFileSync(join(cwd, 'session.sh'), script)
  const { stdout } = await promisify(execFile)('bash', ['-eu', 'session.sh'], { cwd })
  return stdout.split('\n').filter(line => line !== '')
}

describe('docs/first-session.md', () => {
  it('shows a session whose commands give the answers that it shows', async () => {
    const { commands, answers } = firstSession()
    expect(commands.length).toBe(6)
    expect(answers.length).toBe(5)
    const lines = await run(commands)
    expect(lines.map(withoutChance)).toEqual(answers.map(answer => withoutChance(answer.trim())))
  })

  it('shows a refresh that may be run again and again, and leaves the session alive', async () => {
    const { commands } = firstSession()
    const [functions = '', register = '', ask = '', refresh = ''] = commands
    const another = register.replace('ada@', 'grace@')
    const lines = await run([functions, another, refresh, refresh, refresh, ask])
    const refreshed = lines.slice(1, 4).map(line => JSON.parse(line).data.refresh.refreshToken)
    expect(new Set(refreshed).size).toBe(3)
    expect(JSON.parse(lines[4] ?? '')).toEqual({
      data: {
        me: { id: expect.any(String), roles: [] },
        sessions: [{ device: 'curl', current: true }],
      },
    })
  })

  it('keeps the tokens where a refresh fails', async () => {
    const { commands } = firstSession()
    const [functions = '', register = '', ask = '', refresh = ''] = commands
    const another = register.replace('ada@', 'joan@')
    const failed = refresh.replace('mutation ($t', 'no mutation ($t')
    const lines = await run([functions, another, failed, ask])
    expect(lines[1]).toContain('GRAPHQL_PARSE_FAILED')
    expect(lines[2]).toContain('"me":{')
  })
})
