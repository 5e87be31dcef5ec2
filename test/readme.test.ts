import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { temporaryDirectory } from './support/database.ts'
import { useServer } from './support/server.ts'

const server = useServer()

/** The commands of "A first session", and the answers that stand below them. */
function firstSession(): { commands: string[]; answers: string[] } {
  const readme = readFileSync('README.md', 'utf8')
  const section = readme.split('\n## A first session\n')[1]?.split('\n## ')[0] ?? ''
  const blocks = (language: string) =>
    [...section.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
      match => match[1] ?? '',
    )
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

describe('the README', () => {
  it('shows a first session whose commands give the answers that it shows', async () => {
    const { commands, answers } = firstSession()
    expect(commands.length).toBe(6)
    expect(answers.length).toBe(5)
    const script = commands.join('\n').replaceAll('http://127.0.0.1:4000', server.url)
    const cwd = await temporaryDirectory()
    writeFileSync(join(cwd, 'session.sh'), script)
    const { stdout } = await promisify(execFile)('bash', ['-eu', 'session.sh'], { cwd })
    const lines = stdout.split('\n').filter(line => line !== '')
    expect(lines.map(withoutChance)).toEqual(answers.map(answer => withoutChance(answer.trim())))
  })
})
