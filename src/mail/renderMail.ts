import type { MailContents, MailText } from '../app/mails.ts'

/** The words of one kind. */
export interface Words {
  readonly subject: string
  /** Paragraphs. */
  readonly says: readonly string[]
  /** What the link does. */
  readonly action?: string
  /** What to do, if it was not the recipient. */
  readonly otherwise: string
}

/**
 * A mail as plain text and as HTML. The HTML loads nothing, so nobody learns that the mail was opened, and sets no
 * colours, so it is readable on dark and on light.
 */
export function renderMail({ subject, says, action, otherwise }: Words, mail: MailContents): MailText {
  const { link, code, siteName } = mail
  const typed =
    code === null ? undefined : 'Or type this code, in the browser or app where you asked for this mail:'
  const life = link === null ? undefined : lifeOf(mail, code !== null)
  const facts = factsOf(mail)

  const text = [
    ...says,
    ...(link === null ? [] : [`${action}:\n${link}`]),
    ...(typed === undefined ? [] : [`${typed}\n${code}`]),
    ...(life === undefined ? [] : [life]),
    facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
    otherwise,
    `-- \n${siteName}`,
  ].join('\n\n')

  const html = [
    ...says.map(paragraph),
    ...(link === null ? [] : [`<p><a href="${escaped(link)}"><b>${escaped(action ?? link)}</b></a></p>`]),
    ...(link === null ? [] : [`<p>${escaped(link)}</p>`]),
    ...(typed === undefined
      ? []
      : [`<p>${escaped(typed)}<br><b><code>${escaped(code ?? '')}</code></b></p>`]),
    ...(life === undefined ? [] : [paragraph(life)]),
    `<p>${facts.map(([name, value]) => `${escaped(name)}: ${escaped(value)}`).join('<br>')}</p>`,
    paragraph(otherwise),
    `<hr>${paragraph(siteName)}`,
  ]
  return { subject, text: `${text}\n`, html: documentOf(subject, html) }
}

function documentOf(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
</head>
<body style="font-family:system-ui,sans-serif;line-height:1.5;max-width:36em;overflow-wrap:anywhere">
${body.join('\n')}
</body>
</html>
`
}

function lifeOf({ lifeSeconds, expiresAt }: MailContents, hasCode: boolean): string {
  const minutes = Math.round((lifeSeconds ?? 0) / 60)
  const life = minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`
  const end = expiresAt === null ? '' : `, until ${timeOf(expiresAt)}`
  return `${hasCode ? 'Link and code work' : 'The link works'} once, for ${life}${end}.`
}

function factsOf({ at, detail }: MailContents): [string, string][] {
  const known: [string, string | null | undefined][] = [
    ['Time', timeOf(at)],
    ['Device', detail.device],
    ['IP address', detail.ipAddress],
    ['New address', detail.email],
    ['Takes effect', detail.takesEffect && timeOf(new Date(detail.takesEffect))],
  ]
  return known.flatMap(([name, value]) => (value ? [[name, value]] : []))
}

/** `2026-03-01 12:30 UTC`: unlike other forms, it is read alike everywhere. */
function timeOf(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function paragraph(text: string): string {
  return `<p>${escaped(text)}</p>`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character] ?? '')
}
