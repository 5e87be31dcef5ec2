import { createElement } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { createSession } from '../../../src/client/index.ts'
import { App } from './App.tsx'

/* The app in a browser. The test decides when it is hydrated. */

const query = new URLSearchParams(location.search)
const ended = []
const created = createSession({ endpoint: query.get('endpoint'), onSignedOut: reason => ended.push(reason) })
let subscriptions = 0
const session = Object.create(created, {
  subscribe: {
    value(listener) {
      subscriptions++
      const end = created.subscribe(listener)
      return () => {
        subscriptions--
        end()
      }
    },
  },
})
const notes = { returned: [], committed: [], isLoggedOut: false }
const recovered = []
let root

window.annul = {
  session,
  ended,
  notes,
  recovered,
  subscriptions: () => subscriptions,
  hydrate() {
    root = hydrateRoot(document.getElementById('root'), createElement(App, { session, notes }), {
      onRecoverableError: error => recovered.push(String(error)),
    })
  },
  unmount: () => root.unmount(),
}
