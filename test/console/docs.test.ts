import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, useConsole } from '../support/console.ts'
import { root } from '../support/imports.ts'

const names = readdirSync(join(root, 'docs'))
  .filter(name => name.endsWith('.md') && name !== 'README.md')
  .map(name => name.slice(0, -3))

describeInChromium('The docs in the console', () => {
  const { open } = useConsole()

  it('list every page, and each page can be read without a violation of accessibility', async () => {
    const page = await open('/docs')
    const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
    await links.first().waitFor()
    const listed = await links.evaluateAll(all => all.map(link => link.getAttribute('href')))
    expect([...listed].sort()).toEqual(names.map(name => `#/docs/${name}`).sort())
    for (const place of listed) {
      await page.goto(new URL(place ?? '', page.url()).href)
      await page.getByRole('article').getByRole('heading', { level: 1 }).waitFor()
    }
    await expectAccessible(page)
  })

  it('have links that lead to pages and headings of the console', async () => {
    const page = await open('/docs')
    const targets = new Set<string>()
    for (const name of names) {
      await page.goto(new URL(`#/docs/${name}`, page.url()).href)
      await page.getByRole('article').getByRole('heading', { level: 1 }).waitFor()
      const found = await page
        .getByRole('article')
        .locator('a[href^="#"]')
        .evaluateAll(all => all.map(link => link.getAttribute('href') ?? ''))
      for (const target of found) targets.add(target)
    }
    expect(targets.size).toBeGreaterThan(20)
    for (const target of targets) {
      const [, , name = '', anchor] = target.split('/')
      if (name !== '') expect(names).toContain(name)
      if (anchor === undefined) continue
      await page.goto(new URL(target, page.url()).href)
      await page.locator(`#docs-${anchor}`).waitFor({ state: 'attached' })
    }
  })

  it('open at a heading, and fit on a phone', async () => {
    const page = await open('/docs/keys/a-new-secret', { viewport: { width: 360, height: 640 } })
    const heading = page.locator('#docs-a-new-secret')
    await heading.waitFor()
    await page.waitForFunction(() => scrollY > 0)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    await expectAccessible(page)
  })

  it('say so where there is no such page', async () => {
    const page = await open('/docs/__proto__')
    await page.getByRole('heading', { name: 'There is no such page in the docs.' }).waitFor()
  })
})
