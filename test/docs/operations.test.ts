import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { newSecret } from '../support/command.ts'
import { blocksOf } from '../support/fragments.ts'
import { root } from '../support/imports.ts'
import { useServer } from '../support/server.ts'

/* What docs/operations.md says of a node. Its accidents are caused in test/proof, and its commands in test/command. */

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
const server = useServer()

describe('docs/operations.md', () => {
  it('has an environment that a node in production takes', () => {
    const [block = ''] = blocksOf('docs/operations.md', 'sh')
    const lines = [...block.matchAll(/^(\w+)="?(.*?)"?$/gm)].map(([, name = '', value = '']) => [name, value])
    expect(lines.length).toBe(block.trim().split('\n').length)
    const env = Object.fromEntries(lines)
    // The placeholder is no secret that somebody could keep.
    expect(() => readConfig(env)).toThrow('ANNUL_SECRET must be')
    const config = readConfig({ ...env, ANNUL_SECRET: newSecret() })
    expect(config).toMatchObject({
      host: '0.0.0.0',
      publicUrl: 'https://auth.example.com',
      issuer: 'https://auth.example.com',
      metrics: { host: '10.0.0.5', port: 9090 },
      console: false,
      introspection: false,
      mailFrom: 'Example <no-reply@example.com>',
    })
  })

  it('has every metric of a node', async () => {
    const [, section = ''] = /\n## What to watch\n([\s\S]*?)\n## /.exec(page) ?? []
    const listed = [...section.matchAll(/`(annul_\w+)`/g)].map(([, name]) => name)
    const text = await (await fetch(`${server.url}/metrics`)).text()
    const there = [...text.matchAll(/^# TYPE (annul_\w+) /gm)].map(([, name]) => name)
    expect(listed.sort()).toEqual(there.sort())
  })

  it('has every path of the probes', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect(page).toContain(`| \`${path}\` |`)
      expect((await fetch(server.url + path)).status).toBe(200)
    }
  })
})
