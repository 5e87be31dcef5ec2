import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'

/* The examples of docs/react.md, as strict apps with React 18 and React 19 compile them. */

/** The blocks of code whose first line names a file. */
async function readExamples(document: string): Promise<Map<string, string>> {
  const text = await readFile(join(root, document), 'utf8')
  const blocks = text.matchAll(/^```tsx?\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)
  return new Map([...blocks].map(([, code = '', path = '']) => [path, code]))
}

/** Compiles the examples as one app. @returns the compiler's errors, those in declarations of packages included */
async function compile(examples: Map<string, string>, reactTypes: string): Promise<string[]> {
  const app = await temporaryDirectory()
  const modules = join(app, 'node_modules')
  const link = async (from: string, to = from) => {
    await mkdir(dirname(join(modules, to)), { recursive: true })
    await symlink(join(root, from.startsWith('.') ? from : `node_modules/${from}`), join(modules, to))
  }
  // Not the whole folder: its node_modules would bring another React's types.
  for (const part of ['dist', 'package.json']) await link(`./${part}`, `annul/${part}`)
  await link(reactTypes, '@types/react')
  const others = ['@types/node', '@types/prop-types', 'csstype', 'undici-types', '@simplewebauthn/browser']
  for (const name of others) await link(name)
  for (const [path, code] of examples) {
    await mkdir(dirname(join(app, path)), { recursive: true })
    await writeFile(join(app, path), code)
  }
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    jsx: 'react-jsx',
    module: 'esnext',
    moduleResolution: 'bundler',
    preserveSymlinks: true,
    types: ['node'],
  }
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['**/*.ts', '**/*.tsx'] }),
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const output = await new Promise<string>(resolve =>
    execFile(process.execPath, [tsc, '--pretty', 'false'], { cwd: app }, (_, stdout) => resolve(stdout)),
  )
  return output.split('\n').filter(line => line !== '')
}

describe('docs/react.md', () => {
  it.each(['@types/react', '@types/react-18'])('has examples that compile with %s', async reactTypes => {
    const examples = await readExamples('docs/react.md')
    expect([...examples.keys()]).toEqual([
      'session.ts',
      'App.tsx',
      'questions.ts',
      'QuestionDialog.tsx',
      'app/session.ts',
      'app/providers.tsx',
      'app/layout.tsx',
      'app/page.tsx',
      'app/account.tsx',
      'app/api/report/route.ts',
    ])
    expect(await compile(examples, reactTypes)).toEqual([])
  })

  it('has types that tell a user who is there from one who may not be', async () => {
    const source = `
      import { useSession } from 'annul/client/react'
      export function Wrong() { return <p>{useSession().user.email}</p> }
      export function Right() { const { status, user } = useSession(); return status === 'signedIn' ? <p>{user.email}</p> : null }
    `
    const errors = await compile(new Map([['Wrong.tsx', source]]), '@types/react')
    expect(errors).toEqual(["Wrong.tsx(3,44): error TS2531: Object is possibly 'null'."])
  })
})
