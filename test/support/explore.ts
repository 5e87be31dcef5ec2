import type { Locator, Page } from 'playwright-core'

/* The room "Explore" of the console, as a test uses it. */

/** What stands in one of GraphiQL's editors: the text of Monaco's model. */
export async function textOf(page: Page, editor: 'operation' | 'variables' | 'response'): Promise<string> {
  return page.evaluate(name => {
    const { __MONACO: monaco } = globalThis as unknown as {
      __MONACO: { editor: { getModels(): { uri: { path: string }; getValue(): string }[] } }
    }
    const models = monaco.editor.getModels().filter(({ uri }) => uri.path.includes(`-${name}.`))
    return models.map(model => model.getValue()).join('')
  }, editor)
}

/** Types an operation into the present tab, in place of what stands there. */
export async function write(page: Page, operation: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Operation' }).focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(operation)
}

/** Runs the present tab by keyboard. @returns the answer, once there is one that fits */
export async function run(page: Page, fits: (answer: string) => boolean = Boolean): Promise<string> {
  await page.getByRole('textbox', { name: 'Operation' }).focus()
  await page.keyboard.press('Control+Enter')
  return answerThat(page, fits)
}

export async function answerThat(page: Page, fits: (answer: string) => boolean): Promise<string> {
  const until = Date.now() + 20_000
  for (;;) {
    const text = await textOf(page, 'response')
    if (fits(text)) return text
    if (Date.now() > until) throw new Error(`The answer is still ${text || 'empty'}`)
    await page.waitForTimeout(50)
  }
}

export async function show(page: Page, panel: 'Examples' | 'Session' | 'Documentation Explorer') {
  await page.getByRole('button', { name: `Show ${panel}` }).click()
}

/** Opens the example of a root field in a tab, and waits until the tab has it. */
export async function openExample(page: Page, field: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${field} `) }).click()
  await page
    .getByRole('button', { name: field.replace(/^./, letter => letter.toUpperCase()), exact: true })
    .waitFor()
}

/** Signs in by the panel, whose form stands in a place of its own when somebody is signed in. */
export async function signInByPanel(page: Page, { email, password }: { email: string; password: string }) {
  const panel = page.getByRole('region', { name: 'Session' })
  await panel.getByLabel('E-mail address').fill(email)
  await panel.getByLabel('Password', { exact: true }).fill(password)
  await panel.getByRole('button', { name: 'Sign in', exact: true }).click()
  await panel.getByText(email).waitFor()
}

/** The list of new tokens, the newest first. */
export function tokenChanges(page: Page): Locator {
  return page.getByRole('list', { name: 'New tokens' }).getByRole('listitem')
}
