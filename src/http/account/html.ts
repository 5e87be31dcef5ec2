/** Text that is HTML already. Everything else is escaped where it becomes part of a page. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Html | string | number | undefined | readonly Html[]

/**
 * A template of HTML, in which every value is escaped but those that are Html.
 *
 * @example
 * html`<h1>${siteName}</h1>${paragraphs}`
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(written)))
}

function written(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return String(value).replace(/[&<>"'`]/g, letter => `&#${letter.charCodeAt(0)};`)
}
