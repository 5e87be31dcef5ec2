import type { GraphiQLProps } from 'graphiql'

/**
 * A storage for GraphiQL that ends with the page. In localStorage GraphiQL would keep every query and every variable,
 * passwords and tokens among them, for whoever uses this browser later.
 */
export function createMemoryStorage(): NonNullable<GraphiQLProps['storage']> {
  const items = new Map<string, string>()
  return {
    getItem: key => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: key => void items.delete(key),
    clear: () => items.clear(),
    get length() {
      return items.size
    },
  }
}
