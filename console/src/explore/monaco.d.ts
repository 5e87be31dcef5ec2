/** A part of Monaco that its types leave out: what the Tab key does in every editor of the page. */
declare module 'monaco-editor/esm/vs/editor/browser/config/tabFocus.js' {
  export const TabFocus: { setTabFocusMode(leadsOut: boolean): void }
}
