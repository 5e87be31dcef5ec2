import { useEffect, useRef, useState } from 'react'
import { Busy } from '../parts/Busy.tsx'
import { texts } from '../texts/en.ts'
import { loadPage, pages } from './pages.ts'
import './docs.css'

/** The documentation of this version: `#/docs/keys/a-new-secret` is the page `keys`, at a heading. */
export default function Docs({ rest: [name = '', anchor] }: { rest: readonly string[] }) {
  return (
    <div className="docs">
      <nav aria-label={texts.docs.pages}>
        <details open={matchMedia('(min-width: 50rem)').matches}>
          <summary>{texts.docs.pages}</summary>
          <ul>
            {pages.map(page => (
              <li key={page.name}>
                <a href={`#/docs/${page.name}`} aria-current={page.name === name ? 'page' : undefined}>
                  {page.title}
                </a>
              </li>
            ))}
          </ul>
        </details>
      </nav>
      <Page key={name} name={name} anchor={anchor} />
    </div>
  )
}

function Page({ name, anchor }: { name: string; anchor: string | undefined }) {
  const article = useRef<HTMLElement>(null)
  const [html, setHtml] = useState<string | null>()
  const [failure, setFailure] = useState<unknown>()
  useEffect(() => {
    loadPage(name).then(text => setHtml(text ?? null), setFailure)
  }, [name])
  useEffect(() => {
    if (!html) return
    const heading = anchor && article.current?.querySelector(`#${CSS.escape(`docs-${anchor.toLowerCase()}`)}`)
    if (heading) heading.scrollIntoView()
    else scrollTo(0, 0)
  }, [html, anchor])
  if (failure) throw failure
  if (html === undefined) return <Busy />
  if (html === null) return <h1>{texts.docs.none}</h1>
  return (
    // Made from docs/ when the console was built: nothing of a user or of a server is in it.
    <article ref={article} dangerouslySetInnerHTML={{ __html: linksWithin(html, name) }} />
  )
}

/** A link of a page to one of its own headings. */
function linksWithin(html: string, name: string): string {
  return html.replaceAll('href="#/docs/./', `href="#/docs/${name}/`).replaceAll('#/docs/README', '#/docs')
}
