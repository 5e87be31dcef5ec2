import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { createSession } from '../../../src/client/index.ts'
import { App, Status } from './App.tsx'

/* The app on a server: prints the page's content, and what a component without a provider says. */

const session = createSession({ endpoint: 'http://localhost/graphql' })
const notes = { returned: [], committed: [], isLoggedOut: false }
const render = component => renderToString(createElement(component, { session, notes }))

const before = render(App)
await session.ready
let error
try {
  render(Status)
} catch ({ message }) {
  error = message
}
process.stdout.write(JSON.stringify({ before, after: render(App), status: session.state.status, error }))
