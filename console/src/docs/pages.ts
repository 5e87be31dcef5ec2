/** The pages of docs/, by name: the texts are loaded one by one. */
const titles = import.meta.glob<string>('../../../docs/*.md', {
  query: '?title',
  import: 'default',
  eager: true,
})
const texts = import.meta.glob<string>('../../../docs/*.md', { query: '?page', import: 'default' })

const nameOf = (path: string) => path.replace(/^.*\/|\.md$/g, '')
const indexName = 'README'

/** Names and titles for the list, sorted by title. The index is no entry of itself. */
export const pages: readonly { readonly name: string; readonly title: string }[] = Object.entries(titles)
  .map(([path, title]) => ({ name: nameOf(path), title }))
  .filter(({ name }) => name !== indexName)
  .sort((one, other) => one.title.localeCompare(other.title))

/** @param name `''` is the index. @returns HTML, made when the console was built; undefined: there is no such page */
export async function loadPage(name: string): Promise<string | undefined> {
  const path = Object.keys(texts).find(path => nameOf(path) === (name || indexName))
  return path === undefined ? undefined : texts[path]?.()
}
