import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker'
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker'
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker'

/*
 * The editor's workers, as files of this page: `worker-src 'self'` allows no blob. GraphiQL's own "setup-workers/vite" does
 * the same, and writes a line to the browser's console for each.
 */

window.MonacoEnvironment = {
  getWorker(_id: string, label: string) {
    if (label === 'json') return new JsonWorker()
    return label === 'graphql' ? new GraphQLWorker() : new EditorWorker()
  },
}
