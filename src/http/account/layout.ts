import { createHash } from 'node:crypto'
import { Html, html } from './html.ts'

/** A page about an account, without what stands around every such page. */
export interface AccountPage {
  readonly title: string
  readonly main: Html
}

const style = `:root { color-scheme: light dark; --line: #767676; --accent: #0b57d0; --ink: #fff; --error: #b3261e }
@media (prefers-color-scheme: dark) { :root { --accent: #a8c7fa; --ink: #062e6f; --error: #f2b8b5 } }
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 30rem; padding: 2rem 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem }
h2 { font-size: 1.125rem; margin: 2.5rem 0 0.5rem }
label { display: block; font-weight: 600; margin-top: 1rem }
input { display: block; width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; font: inherit; border: 1px solid var(--line); border-radius: 4px }
input[aria-invalid] { border: 2px solid var(--error) }
button { width: 100%; min-height: 2.75rem; margin-top: 1.25rem; font: inherit; font-weight: 600; color: var(--ink); background: var(--accent); border: 0; border-radius: 4px; cursor: pointer }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.error { color: var(--error); font-weight: 600 }
.hint { margin: 0.25rem 0 0; font-size: 0.875rem }
.site { margin: 0 0 0.5rem }`

/**
 * What every page of an account is sent with. Nothing runs, nothing is loaded, nothing is kept, and no other page gets
 * to know the address, which holds the token.
 */
export const accountHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
}

export function renderPage(siteName: string, { title, main }: AccountPage): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${siteName}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<p class="site">${siteName}</p>
<h1>${title}</h1>
${main}
</main>
</body>
</html>
`.text
}
