import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from '@jest/globals'
import { packageFolder } from '../../src/packageFolder.ts'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'

const folder = packageFolder('dist/console')
const files = readdirSync(join(folder, 'console'))
const sizeOf = (name: string) => statSync(join(folder, 'console', name)).size
const textOf = (name: string) => gunzipSync(readFileSync(join(folder, 'console', name))).toString()

it('weighs less than 2.5 MB, compressed as it is kept and sent', () => {
  expect(files.every(name => name.endsWith('.gz'))).toBe(true)
  expect(files.map(sizeOf).reduce((sum, size) => sum + size, 0)).toBeLessThan(2_500_000)
})

/** A link of the docs is followed by a person alone. */
const withoutLinks = (text: string) => text.replace(/<a href=/g, '')

it('loads nothing by an address of another host', () => {
  const loads =
    /(?:\bfrom|\bimport|importScripts\(|\bimport\(|url\(|@import|src=|href=)\s*["'`(]?\s*(?:https?:)?\/\/[\w.-]+/g
  const names = files.filter(name => /\.(js|css)\.gz$/.test(name))
  const found = names.flatMap(name =>
    (withoutLinks(textOf(name)).match(loads) ?? []).map(address => `${name.replace(/-.*/, '')}: ${address}`),
  )
  expect(found).toEqual([])
  expect(readFileSync(join(folder, 'index.html'), 'utf8').match(loads)).toBeNull()
})

describeInChromium('The first page', () => {
  const { open } = useConsole()

  it('weighs less than 150 kB, and loads nothing of GraphiQL', async () => {
    const page = await open('/')
    const loaded = new Set<string>()
    page.on('request', request => loaded.add(new URL(request.url()).pathname))
    await page.reload()
    await page.getByRole('heading', { name: 'Auth for GraphQL' }).waitFor()
    const names = [...loaded].flatMap(path => /\/console\/(.+)$/.exec(path)?.[1] ?? [])
    expect(names.length).toBeGreaterThan(1)
    expect(names.map(name => sizeOf(`${name}.gz`)).reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000)
    expect(names.filter(name => /explore|monaco|graphql|worker/i.test(name))).toEqual([])
  })
})
