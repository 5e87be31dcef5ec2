import { Component, type ReactNode } from 'react'
import { texts } from '../texts/en.ts'

/** Keeps the rest of the page alive when a part of it fails, for example since a file could not be loaded. */
export class Boundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError() {
    return { hasFailed: true }
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children
    return (
      <div role="alert" className="failure">
        <p>{texts.app.broken}</p>
        <button type="button" onClick={() => location.reload()}>
          {texts.app.reload}
        </button>
      </div>
    )
  }
}
