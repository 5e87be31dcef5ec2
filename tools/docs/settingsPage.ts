import { allSettings, type Setting } from './settings.ts'

const number = new Intl.NumberFormat('en')

/** docs/settings.md. */
export function settingsPage(): string {
  const tables = allSettings.map(({ topic, settings }) =>
    [
      `## ${topic}`,
      '',
      '| variable | default | meaning |',
      '|---|---|---|',
      ...settings.map(setting => `| ${setting.name} | ${defaultOf(setting)} | ${meaningOf(setting)} |`),
      '',
    ].join('\n'),
  )
  return `${head}\n${tables.join('\n')}\n${foot}`
}

/** The cell of the column "default". */
export function defaultOf({ default: value, inProduction, without = 'none' }: Setting): string {
  if (value === undefined) return without
  return inProduction === undefined ? value : `${value}, ${inProduction} in production`
}

function meaningOf({ meaning, range }: Setting): string {
  if (range === undefined) return meaning
  const [least, greatest] = range.map(value => number.format(value))
  return `${meaning} (${least} to ${greatest})`
}

const head = `# Settings

Settings are environment variables. A server of your own may give them as options as well, under the same names in camelCase:
\`createAuth({ leaseMs: 1000 })\` is ANNUL_LEASE_MS=1000. An option counts before the variable.

All problems are reported at once, with exit status 2, before anything starts. A name that begins with ANNUL_ and is no
setting is a problem, too. "In production" means that NODE_ENV is \`production\`.

For a first try nothing has to be set. In production set DATABASE_URL, ANNUL_SECRET, ANNUL_PUBLIC_URL, ANNUL_ISSUER and ANNUL_SMTP_URL.
Behind a proxy set ANNUL_TRUSTED_PROXIES and ANNUL_ALLOWED_ORIGINS as well.
`

const foot = `## In Kubernetes

A Service named \`annul\` adds variables to every pod whose names begin with ANNUL_: set \`enableServiceLinks: false\`.

This page is written by \`npm run generate\`, from \`tools/docs/settings.ts\`.
`
