import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import MarkdownIt from 'markdown-it'
import type { Plugin } from 'vite'

/**
 * Pages of docs/ as modules: `errors.md?title` is the text of the first heading, and `errors.md?page` is HTML, made when
 * the console is built. HTML within a page stands as text.
 */
export function markdownPages(): Plugin {
  return {
    name: 'markdown-pages',
    enforce: 'pre',
    async load(id) {
      const [file = '', query] = id.split('?')
      if (!file.endsWith('.md') || (query !== 'page' && query !== 'title')) return null
      this.addWatchFile(file)
      const text = await readFile(file, 'utf8')
      const value = query === 'title' ? titleOf(text) : htmlOf(text)
      return { code: `export default ${JSON.stringify(value)}`, map: null, moduleType: 'js' }
    },
  }
}

function titleOf(text: string): string {
  return (text.match(/^# (.*)$/m)?.[1] ?? '').replaceAll('`', '')
}

function htmlOf(text: string): string {
  const markdown = new MarkdownIt({ html: false })
  const { rules } = markdown.renderer

  markdown.core.ruler.push('places', state => {
    const used = new Map<string, number>()
    state.tokens.forEach((token, at) => {
      if (token.type !== 'heading_open') return
      const slug = slugOf(state.tokens[at + 1]?.content ?? '')
      const count = used.get(slug) ?? 0
      used.set(slug, count + 1)
      token.attrSet('id', `docs-${slug}${count > 0 ? `-${count}` : ''}`)
    })
  })
  rules.link_open = (tokens, index, options, _env, self) => {
    const token = tokens[index]
    const target = placeOf(String(token?.attrGet('href') ?? ''))
    // What lies in the repository beside docs/ is not in the console: the reference stays, as a text.
    if (target === undefined) token?.attrs?.splice(0)
    else token?.attrSet('href', target)
    if (target?.startsWith('http')) token?.attrSet('rel', 'noreferrer')
    return self.renderToken(tokens, index, options)
  }
  // Wide ones scroll by themselves, by keyboard too.
  rules.table_open = () => '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'
  rules.table_close = () => '</table></div>'
  // A corner without a text is no heading.
  rules.th_open = (tokens, index) => (tokens[index + 1]?.content ? '<th>' : '<td>')
  rules.th_close = (tokens, index) => (tokens[index - 1]?.content ? '</th>' : '</td>')
  const fence = rules.fence
  rules.fence = (...parameters) =>
    (fence?.(...parameters) ?? '').replace('<pre>', '<pre tabindex="0" role="group" aria-label="Code">')
  return markdown.render(text)
}

/** The place in the console that a link of a page leads to: `keys.md#a-new-secret` is `#/docs/keys/a-new-secret`. */
function placeOf(href: string): string | undefined {
  if (/^https?:/.test(href)) return href
  const [path = '', anchor] = href.split('#')
  const name = basename(path, '.md')
  if (path !== '' && !/^[\w-]+\.md$/.test(path)) return undefined
  return `#/docs/${path === '' ? '.' : name}${anchor ? `/${anchor}` : ''}`
}

/** As GitHub makes the anchors of headings. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}
